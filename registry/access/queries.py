"""The statements that read and write API keys."""

BY_HASH = "SELECT id, kind, controllers, purposes, expires_at, revoked_at FROM api_key WHERE hash = %s"

INSERT = (
    "INSERT INTO api_key (id, kind, name, hash, controllers, purposes, created_at, expires_at)"
    " VALUES (%s, %s, %s, %s, %s, %s, %s, %s)"
)

LIST = "SELECT id, kind, name, controllers, purposes, created_at, expires_at, revoked_at FROM api_key ORDER BY id"

REVOKE = (
    "UPDATE api_key SET revoked_at = now() WHERE id = %s AND revoked_at IS NULL"
    " RETURNING id, kind, name, controllers, purposes, created_at, expires_at, revoked_at"
)
