"""E-mail by SMTP (RFC 5321) over connections that stay open."""
