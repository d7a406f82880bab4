# SPDX-License-Identifier: Apache-2.0
"""``libcloud completion``: prints a shell completion script."""

from __future__ import annotations

import click
from click.shell_completion import get_completion_class

_VARIABLE = "_LIBCLOUD_COMPLETE"


@click.command()
@click.argument("shell", type=click.Choice(["bash", "zsh", "fish"]))
@click.pass_context
def completion(context: click.Context, *, shell: str) -> None:
    """Print a script that completes commands, options and file names in SHELL.

    \b
    libcloud completion bash > ~/.local/share/bash-completion/completions/libcloud
    libcloud completion zsh > "${fpath[1]}/_libcloud"
    libcloud completion fish > ~/.config/fish/completions/libcloud.fish
    """
    completion_class = get_completion_class(shell)
    assert completion_class is not None  # the choices are the shells that click supports
    click.echo(completion_class(context.find_root().command, {}, "libcloud", _VARIABLE).source())
