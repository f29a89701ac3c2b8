"""Packages `policies/` and `migrations/`, which lie beside the code in the tree, inside it in the wheel."""

from setuptools import find_namespace_packages, setup

SHIPPED = {"registry._shipped.policies": "policies", "registry._shipped.migrations": "migrations"}

setup(
    packages=[*find_namespace_packages(include=["registry", "registry.*"]), *SHIPPED],
    package_dir=SHIPPED,
    package_data={"": ["*", "**/*"]},
    exclude_package_data={"": ["**/__pycache__/*", "**/*.pyc", "**/*.pot"]},
)
