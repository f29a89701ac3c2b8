"""The tour: the whole idea on real parts, judged from outside."""
