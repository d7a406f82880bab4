# SPDX-License-Identifier: Apache-2.0
"""Which host serves which region of a store."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

# The hosts that Apache Libcloud 3.9.1 uses: some in the older form with a hyphen, which these
# regions still serve. sa-east-2 is in its list, though Amazon has no such region.
_HYPHENATED = """
    us-east-2 us-west-1 us-west-2 us-gov-east-1 us-gov-west-1 eu-west-1 eu-west-2 eu-west-3
    eu-central-1 ap-south-1 ap-southeast-1 ap-southeast-2 ap-northeast-1 ap-northeast-2
    sa-east-1 sa-east-2 ca-central-1
""".split()

# botocore 1.44.5, data/endpoints.json: partition "aws", service "s3".
_DOTTED = """
    eu-north-1 eu-south-1 eu-south-2 eu-central-2 ap-east-1 ap-east-2 ap-northeast-3 ap-south-2
    ap-southeast-3 ap-southeast-4 ap-southeast-5 ap-southeast-6 ap-southeast-7 me-south-1
    me-central-1 af-south-1 ca-west-1 il-central-1 mx-central-1
""".split()

# The same file: partitions "aws-cn" and "aws-eusc".
_CHINA = ("cn-north-1", "cn-northwest-1")
_EUROPEAN_SOVEREIGN = ("eusc-de-east-1",)

AMAZON_HOSTS: Mapping[str, str] = MappingProxyType(
    {
        "us-east-1": "s3.amazonaws.com",
        **{region: f"s3-{region}.amazonaws.com" for region in _HYPHENATED},
        **{region: f"s3.{region}.amazonaws.com" for region in _DOTTED},
        **{region: f"s3.{region}.amazonaws.com.cn" for region in _CHINA},
        **{region: f"s3.{region}.amazonaws.eu" for region in _EUROPEAN_SOVEREIGN},
    }
)

# Regions that came later, by the partition that their names tell, and the variants that the hosts
# of the partition have. Asked of botocore 1.44.8; test_endpoints_of_boto.py asks it again.
_ALL = ("dualstack", "fips")
AMAZON_PATTERNS = (
    (r"us-gov-[a-z]+-\d+", "s3.{region}.amazonaws.com", _ALL),
    (r"cn-[a-z]+-\d+", "s3.{region}.amazonaws.com.cn", ("dualstack",)),
    (r"eusc-[a-z]+-[a-z]+-\d+", "s3.{region}.amazonaws.eu", _ALL),
    (r"us-iso-[a-z]+-\d+", "s3.{region}.c2s.ic.gov", _ALL),
    (r"us-isob-[a-z]+-\d+", "s3.{region}.sc2s.sgov.gov", _ALL),
    (r"eu-isoe-[a-z]+-\d+", "s3.{region}.cloud.adc-e.uk", ("fips",)),
    (r"(?:us|eu)-isof-[a-z]+-\d+", "s3.{region}.csp.hci.ic.gov", ("fips",)),
    (r"[a-z]{2}-[a-z]+-\d+", "s3.{region}.amazonaws.com", _ALL),
)

# docs.digitalocean.com, "Spaces Availability".
DIGITALOCEAN_HOSTS: Mapping[str, str] = MappingProxyType(
    {
        region: f"{region}.digitaloceanspaces.com"
        for region in ("nyc3", "ams3", "sfo2", "sfo3", "sgp1", "fra1", "blr1", "syd1")
    }
)

OUTSCALE_HOSTS: Mapping[str, str] = MappingProxyType(
    {
        "eu-west-1": "osu.eu-west-1.outscale.com",
        "eu-west-2": "osu.eu-west-2.outscale.com",
        "us-west-1": "osu.us-west-1.outscale.com",
        "us-east-2": "osu.us-east-2.outscale.com",
        "cn-southeast-1": "osu.cn-southeast-1.outscale.hk",
    }
)

OVH_HOSTS: Mapping[str, str] = MappingProxyType(
    {region: f"s3.{region}.perf.cloud.ovh.net" for region in ("sbg", "gra")}
)

SCALEWAY_HOSTS: Mapping[str, str] = MappingProxyType(
    {region: f"s3.{region}.scw.cloud" for region in ("fr-par", "nl-ams", "pl-waw")}
)
