"""What a node does in one secure aggregation: four answers, each given once."""

from __future__ import annotations

import json
import secrets
from collections.abc import Collection, Mapping, Sequence
from typing import Any, Final

from federation.secagg import keys, shamir
from federation.secagg.graph import Graph
from federation.secagg.keys import Advertisement
from federation.secagg.masks import Ring, add_mask, pair_sign
from federation.secagg.terms import Terms
from retail.errors import PrivacyError

MASK: Final = b"mask"
SEAL: Final = b"seal"


class NodeSession:
    """One node's side of one aggregation. `advertise`, `share`, `mask`, `reveal`, in this order, each once.

    Guarantee: a server that follows the protocol, and `terms.colluders` merchants that tell it all they know, learn of
        the other nodes' vectors their sum over the survivors, at least `terms.quorum` nodes, and nothing else. Assumes
        that the roster holds the merchants' true identity keys, that sessions never repeat, and X25519, Ed25519,
        AES-256 and SHA-256. A server that tells nodes different things is not covered, though it can never take both
        masks off one node (`Terms`): to keep it from sums over fewer nodes, the nodes would have to sign and compare
        the list of survivors, an exchange more. Nor is the sum promised to be right: a dishonest node can spoil it.

    Args:
        terms: of the aggregation.
        roster: public identity keys by place.
        session: from `terms.session_id`; a second session of the same name is the caller's to refuse.
        place: of this node in the roster.
        identity: its secret identity key.

    Raises: PrivacyError: the roster does not fit the terms, or holds another key at this place.
    """

    def __init__(self, terms: Terms, roster: tuple[bytes, ...], session: bytes, *, place: int, identity: bytes) -> None:
        if len(roster) != terms.nodes or len(set(roster)) != terms.nodes:
            raise PrivacyError(f"the roster has {len(set(roster))} different keys for {terms.nodes} nodes")
        if not 0 <= place < terms.nodes or roster[place] != keys.public_identity(identity):
            raise PrivacyError(f"the roster does not hold this node's key at place {place}")
        self._terms, self._roster, self._session = terms, roster, session
        self._place, self._identity = place, identity
        self._graph = Graph(terms, session)
        self._stage = 0
        self._seal, self._mask, self._own = b"", b"", b""
        self._peers: dict[int, tuple[bytes, bytes]] = {}
        self._held: dict[int, tuple[bytes, bytes]] = {}

    def advertise(self) -> Advertisement:
        """Make keys for this aggregation and sign them."""
        self._advance(0)
        self._seal, self._mask, self._own = keys.new_key(), keys.new_key(), secrets.token_bytes(shamir.SECRET_BYTES)
        return keys.advertise(self._session, self._place, identity=self._identity, seal=self._seal, mask=self._mask)

    def share(self, advertised: Sequence[Advertisement]) -> dict[int, bytes]:
        """Share two secrets out to the neighbours that advertised keys.

        Args:
            advertised: keys of neighbours.

        Returns: a sealed pair of shares for each of them.

        Raises: PrivacyError: keys that are not signed by a neighbour, twice the same, or from too few.
        """
        self._advance(1)
        allowed = set(self._graph.neighbours(self._place))
        for one in advertised:
            if one.node not in allowed or one.node in self._peers or not one.signed_by(self._roster, self._session):
                raise PrivacyError("a key came that no neighbour has signed for this round; nothing is sent")
            self._peers[one.node] = (one.seal_key, one.mask_key)
        self._enough(len(self._peers) + 1)
        holders = sorted([*self._peers, self._place])
        own = shamir.split(self._own, holders, self._terms.threshold)
        mask = shamir.split(self._mask, holders, self._terms.threshold)
        self._held[self._place] = (own[self._place], mask[self._place])
        return {
            peer: keys.seal(self._sealing(peer, outwards=True), own[peer] + mask[peer], self._session)
            for peer in self._peers
        }

    def mask(self, sealed: Mapping[int, bytes], vector: Ring) -> Ring:
        """Mask the vector with the neighbours whose shares came.

        Args:
            sealed: what neighbours shared out to this node.
            vector: (d,) uint64.

        Raises: PrivacyError: a share that was changed or comes from a stranger, or too few.
        """
        self._advance(2)
        for peer, blob in sealed.items():
            if peer not in self._peers:
                raise PrivacyError("a share came from a node that advertised no key; nothing is sent")
            plain = keys.unseal(self._sealing(peer, outwards=False), blob, self._session)
            if len(plain) != 2 * shamir.SHARE_BYTES:
                raise PrivacyError("a share has another length; nothing is sent")
            self._held[peer] = (plain[: shamir.SHARE_BYTES], plain[shamir.SHARE_BYTES :])
        self._enough(len(self._held))
        masked = vector.copy()
        add_mask(masked, self._own, sign=1)
        for peer in self._held:
            if peer != self._place:
                add_mask(masked, self._pair_key(peer), sign=pair_sign(self._place, peer))
        return masked

    def reveal(self, survivors: Collection[int]) -> dict[int, bytes]:
        """Give out, of each node whose shares are held, the one that its fate asks for.

        Args:
            survivors: nodes whose masked vectors the server has.

        Returns: of a survivor the share of its own mask, of a lost node the share of its key for masks with others.

        Raises: PrivacyError: too few survivors, one that the roster does not have, this node not among them, or
            survivors that do not hold together.
        """
        self._advance(3)
        named = set(survivors)
        if len(named) < self._terms.quorum:
            raise PrivacyError(
                f"{len(named)} of {self._terms.nodes} nodes answered and {self._terms.quorum} must; nothing is revealed"
            )
        if self._place not in named or not named <= set(range(self._terms.nodes)):
            raise PrivacyError("the list of survivors is wrong; nothing is revealed")
        if not self._graph.holds_together(named):
            raise PrivacyError("the nodes that answered do not hold together; nothing is revealed")
        given = {peer: own if peer in named else mask for peer, (own, mask) in self._held.items()}
        self._held.clear()
        self._own = self._mask = self._seal = b""
        return given

    def dump(self) -> bytes:
        """Return the session's state, secrets included, for a node whose process ends between answers."""
        held = {str(peer): [own.hex(), mask.hex()] for peer, (own, mask) in self._held.items()}
        peers = {str(peer): [seal.hex(), mask.hex()] for peer, (seal, mask) in self._peers.items()}
        secret = [self._seal.hex(), self._mask.hex(), self._own.hex()]
        return json.dumps({"stage": self._stage, "secret": secret, "held": held, "peers": peers}).encode()

    def restore(self, state: bytes) -> None:
        """Go on from what `dump` returned, for the same aggregation."""
        raw: dict[str, Any] = json.loads(state)
        self._stage = int(raw["stage"])
        self._seal, self._mask, self._own = (bytes.fromhex(one) for one in raw["secret"])
        for name, kept in (("held", self._held), ("peers", self._peers)):
            kept.clear()
            kept.update({int(peer): (bytes.fromhex(a), bytes.fromhex(b)) for peer, (a, b) in raw[name].items()})

    def _advance(self, stage: int) -> None:
        if self._stage != stage:
            raise PrivacyError(
                f"step {stage + 1} of a secure aggregation was asked for, and step {self._stage + 1} is next"
            )
        self._stage += 1

    def _enough(self, holders: int) -> None:
        if holders < self._terms.threshold:
            raise PrivacyError(
                f"{holders} of {self._terms.holders} holders of this node's secrets are there and "
                f"{self._terms.threshold} must be; nothing is sent"
            )

    def _sealing(self, peer: int, *, outwards: bool) -> bytes:
        between = (self._place, peer) if outwards else (peer, self._place)
        return keys.agreed(self._seal, self._peers[peer][0], purpose=SEAL, session=self._session, between=between)

    def _pair_key(self, peer: int) -> bytes:
        between = (min(self._place, peer), max(self._place, peer))
        return keys.agreed(self._mask, self._peers[peer][1], purpose=MASK, session=self._session, between=between)
