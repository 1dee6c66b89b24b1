"""A wire between two hosts."""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pytest_havip.lab.host import Host

__all__ = ["Link"]


class Link:
    """A veth pair. Its near end belongs to the machine under test, its far end to whatever it is plugged into.

    Attributes:
        near: the host of the near end.
        near_name: the interface there.
        far: the host of the far end.
        far_name: the interface there.
    """

    def __init__(self, near: "Host", near_name: str, far: "Host", far_name: str) -> None:
        self.near = near
        self.near_name = near_name
        self.far = far
        self.far_name = far_name

    def __repr__(self) -> str:
        return f"<Link {self.near.name}/{self.near_name} - {self.far.name}/{self.far_name}>"

    def cut(self) -> None:
        """Cut the wire at its far end: the near end keeps its addresses and loses its carrier."""
        self.far.link_down(self.far_name)

    def mend(self) -> None:
        """Undo `cut`."""
        self.far.link_up(self.far_name)

    def remove(self) -> None:
        """Take the wire out: both interfaces are gone."""
        self.near.delete_interface(self.near_name)
