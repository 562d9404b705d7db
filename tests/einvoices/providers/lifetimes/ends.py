"""What must hold when everything has come to rest: what the hub says, and what the provider has, are the same."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from app.provider_simulator.document_store import Document
from tests.einvoices.helpers import URL
from tests.einvoices.providers.lifetimes.world import Life, Seller, Way, World, name_of

#: Own statuses of an e-invoice that the provider has.
_TAKEN = {"sent", "accepted", "rejected", "refunded"}
#: Own status that the last word of the provider makes of an e-invoice.
_OWN_STATUS = {
    Way.MAPPED: {"accepted": "accepted", "rejected": "rejected"},
    Way.UNASKED: {"accepted": "accepted", "rejected": "rejected"},
    Way.PLAIN: {"accepted": "sent", "rejected": "sent"},
}


@dataclass(frozen=True)
class End:
    """What became of an e-invoice: as the hub shows it, as it is at the provider, and its sendings."""

    life: Life
    shown: dict[str, Any]
    documents: dict[str, Document]
    sendings: list[Any]

    @property
    def document(self) -> Document | None:
        """What the provider has of it in the account through which it was sent last."""
        return self.documents.get(name_of(self.life.seller, self.life.way))

    @property
    def is_unknowable(self) -> bool:
        """Nobody can ask for the present word of the provider: a repeat gets the first answer, there is no look-up."""
        return self.life.way == Way.UNASKED and self.life.repeats > 0

    @property
    def disputes(self) -> set[str]:
        """What people are told about decisions."""
        return {sending.check_state for sending in self.sendings if sending.check_state}


def check(world: World, lives: Sequence[Life]) -> None:
    """Check every e-invoice, the numbers, the list of the provider and the sums."""
    listed = world.store.documents()
    ends = [_end_of(world, life, listed) for life in lives]
    for end in ends:
        check_end(end)
    check_chains(ends)
    check_the_list_of_the_provider(ends, listed)
    for seller in world.sellers:
        own = [end for end in ends if end.life.seller is seller]
        check_numbers(seller, own)
        check_credits(world, own)
        check_sums(own)


def _end_of(world: World, life: Life, listed: Sequence[Document]) -> End:
    shown = world.shown(life)
    name = life.seller.tax_id, shown["invoice_no"]
    mine = {one.account: one for one in listed if (one.seller, one.invoice_no) == name}
    return End(life, shown, mine, world.sendings(life))


def check_end(end: End) -> None:
    """An e-invoice is at its end, or in doubt with a reason; it was sent under one key."""
    shown, sendings = end.shown, end.sendings
    assert len({sending.key for sending in sendings}) <= 1, end
    assert shown["provider_status"] != "queued", end
    if shown["provider_status"] == "in_doubt":
        assert end.life.way == Way.UNASKED, end  # every other provider can be asked
        assert sendings[-1].in_doubt, end
        assert sendings[-1].error, end
        assert (shown["status"], shown["corrected_by_id"]) in {("issued", None), ("rejected", None)}, end
        return
    assert not any(sending.in_doubt for sending in sendings), end
    assert "open" not in end.disputes, end
    assert all(sending.error for sending in sendings if sending.check_state), end
    if end.document is not None:
        check_taken(end, end.document)
        return
    if shown["provider_status"] == "taken":  # a person was wrong, and is told so
        assert end.disputes == {"unconfirmed" if end.life.way == Way.UNASKED else "contradicted"}, end
        assert shown["status"] in {"sent", "refunded"}, end
        return
    never_sent = shown["status"] in {"draft", "issued", "cancelled", "refunded"}
    assert never_sent or shown["provider_status"] == "failed", end


def check_taken(end: End, document: Document) -> None:
    """The hub knows that the provider has the e-invoice, under which key, and its last word."""
    shown, was_rejected = end.shown, document.word == "rejected"
    assert shown["status"] in _TAKEN or was_rejected, end
    assert was_rejected or not shown["corrected_by_id"], end
    assert document.key in {str(sending.key) for sending in end.sendings}, end
    amount, currency = document.total.split()
    assert (Decimal(amount), currency) == (shown["totals"]["grand_total"], shown["totals"]["currency"]), end
    if end.is_unknowable:
        return
    assert shown["provider_status"] == document.word, end
    # Without a mapping the answer to a sending decides, and that of a look-up; reports do not.
    is_decided = end.life.way == Way.PLAIN and document.looked_up
    is_replaced = shown["corrected_by_id"] or shown["status"] in {"cancelled", "refunded"}
    own_status = _OWN_STATUS.get(end.life.way, {}).get(document.word)
    if own_status and not is_replaced and not is_decided:
        assert shown["status"] == own_status, end
    # A provider that can be asked is asked before anything is sent to it again, so it got each e-invoice once.
    if end.life.way != Way.UNASKED:
        assert document.received == 1, end


def check_chains(ends: Sequence[End]) -> None:
    """A sale is accepted once: of an e-invoice, its corrections and all their accounts, one at most."""
    accepted: dict[int, list[Document]] = defaultdict(list)
    for end in ends:
        accepted[end.life.root] += [one for one in end.documents.values() if one.word == "accepted"]
    for chain in accepted.values():
        assert len(chain) <= 1, chain


def check_the_list_of_the_provider(ends: Sequence[End], listed: Sequence[Document]) -> None:
    """The provider has nothing that the hub did not send, and no number twice in an account."""
    numbers = {(end.life.seller.tax_id, end.shown["invoice_no"]) for end in ends}
    counts = Counter((one.account, one.seller, one.invoice_no) for one in listed)
    assert set(counts.values()) <= {1}, counts
    assert {(seller, number) for _, seller, number in counts} <= numbers, (counts, numbers)


def check_numbers(seller: Seller, ends: Sequence[End]) -> None:
    """No number is lost or doubled."""
    series = seller.client.get(f"{URL}/series").json["data"]
    assert [row["gaps"] for row in series] == [[] for _ in series], series
    numbers = Counter(end.shown["invoice_no"] for end in ends)
    del numbers[None]
    assert set(numbers.values()) <= {1}, numbers
    assert sum(row["count"] for row in series) == len(numbers)


def check_credits(world: World, ends: Sequence[End]) -> None:
    """A sale in force has credited what its returns and credit notes in force sum up to, and never more than it is."""
    shown, credited = {end.life.id: end.shown for end in ends}, Counter[int]()
    for one in shown.values():
        if one["original_id"] and one["status"] != "cancelled" and not one["corrected_by_id"]:
            credited[_in_force(shown, one["original_id"])] += one["totals"]["grand_total"]
    for einvoice_id, one in shown.items():
        if not one["original_id"] and one["status"] != "cancelled" and not one["corrected_by_id"]:
            stored = world.credited_total(einvoice_id)
            assert stored == credited[einvoice_id] <= one["totals"]["grand_total"], (one, stored, credited)


def _in_force(shown: Mapping[int, dict[str, Any]], einvoice_id: int) -> int:
    """The last correction of an e-invoice, or itself."""
    while (corrected_by := shown[einvoice_id]["corrected_by_id"]) is not None:
        einvoice_id = corrected_by
    return einvoice_id


def check_sums(ends: Sequence[End]) -> None:
    """What the hub counts as accepted is what the provider has accepted, to the cent."""
    own, theirs = Counter[str](), Counter[str]()
    for end in ends:
        if end.is_unknowable:
            continue
        totals = end.shown["totals"]
        if end.shown["provider_status"] == "accepted":
            own[totals["currency"]] += totals["grand_total"]
        for document in end.documents.values():
            amount, currency = document.total.split()
            theirs[currency] += Decimal(amount) if document.word == "accepted" else Decimal(0)  # type: ignore[assignment]
    assert +own == +theirs, (own, theirs)
