"""What opens servers, taken along to the machines that do the work.

The libraries behind fsspec take keys and settings from environment variables. Where a job is done on other machines,
those of whoever typed the command count on all of them, as far as they are for the kinds of addresses in the job, and
no others leave the machine. What stands in files, and what a machine may do by its role, each machine has by itself.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from colorizer.io.address import Address, Remote
from colorizer.io.remote.systems import kind_of


@dataclass(frozen=True)
class _Variables:
    """What a library takes from the environment."""

    keys: tuple[str, ...]  # together they say who asks: all are taken along, or none
    settings: tuple[str, ...]
    files: tuple[str, ...]  # names of files, which mean something only where they are


_AMAZON = _Variables(
    keys=("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN", "AWS_PROFILE", "AWS_DEFAULT_PROFILE"),
    settings=(
        "AWS_ENDPOINT_URL",
        "AWS_ENDPOINT_URL_S3",
        "AWS_REGION",
        "AWS_DEFAULT_REGION",
        "AWS_EC2_METADATA_DISABLED",
        "AWS_IGNORE_CONFIGURED_ENDPOINT_URLS",
        "AWS_MAX_ATTEMPTS",
        "AWS_REQUEST_CHECKSUM_CALCULATION",
        "AWS_RESPONSE_CHECKSUM_VALIDATION",
        "AWS_RETRY_MODE",
        "AWS_USE_DUALSTACK_ENDPOINT",
        "AWS_USE_FIPS_ENDPOINT",
    ),
    files=("AWS_CONFIG_FILE", "AWS_SHARED_CREDENTIALS_FILE", "AWS_CA_BUNDLE"),
)
_GOOGLE = _Variables(
    keys=(),
    settings=("GOOGLE_CLOUD_PROJECT", "STORAGE_EMULATOR_HOST"),
    files=("GOOGLE_APPLICATION_CREDENTIALS",),
)
_AZURE = _Variables(
    keys=(
        "AZURE_STORAGE_ACCOUNT_NAME",
        "AZURE_STORAGE_ACCOUNT_KEY",
        "AZURE_STORAGE_CONNECTION_STRING",
        "AZURE_STORAGE_SAS_TOKEN",
        "AZURE_STORAGE_CLIENT_ID",
        "AZURE_STORAGE_CLIENT_SECRET",
        "AZURE_STORAGE_TENANT_ID",
        "AZURE_CLIENT_ID",
        "AZURE_CLIENT_SECRET",
        "AZURE_TENANT_ID",
    ),
    settings=("AZURE_STORAGE_ANON",),
    files=(),
)
_OF_SCHEME = {
    **dict.fromkeys(("s3", "s3a"), _AMAZON),
    **dict.fromkeys(("gs", "gcs"), _GOOGLE),
    **dict.fromkeys(("az", "abfs", "abfss", "adl"), _AZURE),
}
_NONE = _Variables((), (), ())


@dataclass(frozen=True)
class Access:
    """How servers are reached: picklable, and with nothing in its `repr` that must stay secret.

    Attributes
    ----------
    schemes
        Of the addresses.
    variables
        Of the environment, by name.
    """

    schemes: frozenset[str] = frozenset()
    variables: Mapping[str, str] = field(default_factory=dict, repr=False)

    @classmethod
    def to(cls, addresses: Iterable[Address | None]) -> Access:
        """To these addresses, as this process has it; to nothing where none of them lies elsewhere."""
        schemes = frozenset(each.scheme for each in addresses if isinstance(each, Remote))
        known = [_OF_SCHEME.get(scheme, _NONE) for scheme in schemes]
        named = {name for each in known for name in (*each.keys, *each.settings, *each.files)}
        fsspecs = tuple(f"FSSPEC_{scheme.upper()}" for scheme in schemes)  # as it has them, such as FSSPEC_S3_KEY
        return cls(
            schemes,
            {
                name: value
                for name, value in os.environ.items()
                if name in named or (fsspecs and name.startswith(fsspecs))
            },
        )

    def take_over(self) -> None:
        """Reach servers in this way from now on, in this process.

        Raises
        ------
        MissingExtraError, UsageError
            What a kind of address needs is not installed here.
        """
        for scheme in self.schemes:
            known = _OF_SCHEME.get(scheme, _NONE)
            if any(name in self.variables for name in known.keys):
                for name in known.keys:
                    os.environ.pop(name, None)
            for name, value in self.variables.items():
                if name not in known.files or Path(value).exists():
                    os.environ[name] = value
        if "fsspec" in sys.modules:  # which has looked at the environment when it was loaded
            from fsspec.config import conf, set_conf_env

            set_conf_env(conf)
        for scheme in self.schemes:
            kind_of(scheme)
