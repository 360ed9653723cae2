"""Opens what memory needs, and carries out erasing: the key first, then the ciphertext and what the search knows."""

from functools import partial
from pathlib import Path

from cutroom_sdk.wire.status import Feature
from engine.kernel.dispatch import Asked
from engine.kernel.kernel import Kernel
from engine.kernel.outbox import Effect
from engine.memory import embedding, index, reducer
from engine.memory.attempts import note
from engine.memory.keys import Keys
from engine.memory.reducer_audit import Entry
from engine.memory.shelf import Contacts, Shelf


async def forget(kernel: Kernel, shelf: Shelf, command: reducer.ForgetContent, effect: Effect) -> None:
    """Destroy a content for good; when it was a memory's last, say in the log and the audit that it is erased.

    Raises:
        Unavailable: the key cannot be destroyed now.
    """
    partition, memory_id = effect.context.partition, command.memory_id
    await shelf.sealer.destroy(command.content_hash)
    await shelf.bring_up(partition, memory_id)
    memory: reducer.Memory = (await kernel.dispatch.state(f"{reducer.KIND}/{memory_id}", partition))[0]
    if not command.whole or memory.status != "deleted" or memory.about is None:
        return
    entry = Entry(
        actor=effect.context.actor,
        action="erase",
        status="done",
        memory_id=memory_id,
        tier=memory.tier,
        workspace=memory.about.workspace,
        project=memory.about.project,
    )
    erased = Asked(f"{reducer.KIND}/{memory_id}", reducer.NoteErased())
    await kernel.dispatch.propose_many((erased, note(entry, kernel.clock.now_ms())), effect.context)


def register(
    kernel: Kernel, folder: Path, *, contacts: Contacts = "shared", model: str = ""
) -> tuple[Shelf, Feature]:
    """Open the files of memory in a state directory and have erasing carried out; return what `/ready` says as well.

    Raises:
        Invalid: others may read the keys.
        Unavailable: a file cannot be used.
    """
    embedder, feature = embedding.opened(model)
    shelf = Shelf(
        kernel,
        Keys.open(folder),
        index.Index(folder / index.FILE),
        contacts=contacts,
        embedder=embedder,
    )
    kernel.outbox.handle(reducer.ForgetContent, partial(forget, kernel, shelf))
    return shelf, feature
