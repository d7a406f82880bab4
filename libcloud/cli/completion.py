# SPDX-License-Identifier: Apache-2.0
"""``libcloud completion``: lets a shell complete commands and options."""

from __future__ import annotations

import click
from click.shell_completion import get_completion_class

__all__ = ["completion"]

_VARIABLE = "_LIBCLOUD_COMPLETE"


@click.command()
@click.argument("shell", type=click.Choice(["bash", "zsh", "fish"]))
@click.pass_context
def completion(context: click.Context, *, shell: str) -> None:
    """Print what lets SHELL complete commands, options and the names of files.

    \b
    libcloud completion bash > ~/.local/share/bash-completion/completions/libcloud
    libcloud completion zsh > "${fpath[1]}/_libcloud"
    libcloud completion fish > ~/.config/fish/completions/libcloud.fish
    """
    kind = get_completion_class(shell)
    assert kind is not None  # the choice names those that click has
    click.echo(kind(context.find_root().command, {}, "libcloud", _VARIABLE).source())
