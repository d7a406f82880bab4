# SPDX-License-Identifier: Apache-2.0
"""The names of a fake server: which region it is under each, and which bucket a name holds."""

from __future__ import annotations

from dataclasses import replace

from libcloud.test.storage.fakes.errors import S3Error, invalid_request
from libcloud.test.storage.fakes.options import Options
from libcloud.test.storage.fakes.wire import Incoming


def with_bucket_of_host(request: Incoming, options: Options) -> Incoming:
    """The request, with the label before the server's name used as the bucket."""
    host = _host(request)
    for name in options.names:
        if host.endswith(f".{name}"):
            return replace(request, bucket_in_host=host.removesuffix(f".{name}"))
    return request


def options_of_name(request: Incoming, options: Options) -> Options:
    """The options under the name that the request came to."""
    region = options.names.get(_name(request))
    return options if region is None else replace(options, region=region)


def check_host(request: Incoming, options: Options, *, host: str, port: int) -> None:
    """Refuse a Host header that does not name this server.

    :raises S3Error: 400.
    """
    given = request.header("host") or ""
    if options.any_host and given:
        return
    known = {host, "localhost", *options.names}
    if _name(request) not in known or given.rpartition(":")[2] != str(port):
        raise invalid_request(f"The Host header {given!r} is not this server's")


def check_home(request: Incoming, options: Options, bucket: str) -> None:
    """Send a request away whose bucket is in another region than the one it came to.

    :param options: those of the name.
    :raises S3Error: 301, as Amazon answers.
    """
    home = options.homes.get(bucket)
    if home is None or home == options.region:
        return
    names = [name for name, region in options.names.items() if region == home]
    raise S3Error(
        301,
        "PermanentRedirect",
        "The bucket you are attempting to access must be addressed using the specified endpoint.",
        extra={"Endpoint": f"{bucket}.{names[0]}" if names else "", "Bucket": bucket},
        headers={"x-amz-bucket-region": home},
    )


def _host(request: Incoming) -> str:
    return (request.header("host") or "").partition(":")[0].lower()


def _name(request: Incoming) -> str:
    """The name of the server that the request came to, without a bucket."""
    host = _host(request)
    return host.removeprefix(f"{request.bucket_in_host}.") if request.bucket_in_host else host
