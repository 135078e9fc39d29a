"""The networks that the text of a study names, compiled."""

from __future__ import annotations

from typing import TYPE_CHECKING

from resnetc.cli.common import print_note, report_diagnostics

if TYPE_CHECKING:
    from resnetc.compiler.checked_network import CheckedNetwork
    from resnetc.compiler.driver.session import Session
    from resnetc.runtime.data import ImageSet
    from resnetc.runtime.study.arms import ArmText, CompiledArm
    from resnetc.runtime.study.plan import SetUp

Settings = dict[str, str]


def compile_arm(text: ArmText, set_up: SetUp | None = None, data: ImageSet | None = None) -> CompiledArm:
    """The arm's network, its parameters from the data where it is trained; its costs at the size of the images."""
    from resnetc.runtime.study.arms import CompiledArm

    settings = dict(text.settings)
    if set_up is not None and data is not None:
        settings = choose_settings(text, set_up, data.classes, data.channels)
    session, checked = check_network(text, settings, None if data is None else data.size)
    measures = checked.measures
    return CompiledArm(
        text=text,
        network=checked.network.name,
        source=session.render(checked),
        parameters=measures.parameters,
        multiply_adds=measures.count_multiply_adds(checked.network.input.sizes),
        weighted_layers=measures.weighted_layers,
    )


def choose_settings(text: ArmText, set_up: SetUp, classes: int, channels: int) -> Settings:
    """What `--set` would say of the arm's network for images of so many classes and channels."""
    own = {**dict(set_up.settings), **dict(text.settings)}  # first: their order is that of the network's name
    return {
        **own,
        **{key: str(count) for key, count in (("classes", classes), ("channels", channels)) if key not in own},
    }


def check_network(text: ArmText, settings: Settings, size: tuple[int, ...] | None) -> tuple[Session, CheckedNetwork]:
    """The arm's network for images of that size, by default the one that the spec declares, and the session that
    compiled it; AlreadyReported where it is not a single network that passes."""
    from resnetc.cli.data_check import AlreadyReported
    from resnetc.compiler.driver.session import Session

    session = Session()
    session.add(text.spec)
    networks = session.compile_networks(None, list(settings.items()))
    if report_diagnostics(session) or len(networks) != 1:
        print_note(f"the study's {text.label} is not a single network")
        raise AlreadyReported()
    return session, networks[0] if size is None else networks[0].replace_sizes(size)
