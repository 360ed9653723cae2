"""What the worker processes do for a proxy; its pieces are made as those of films are."""

from engine.media.tasks import Files, Report, task
from engine.rendering.proxies import joining
from engine.rendering.proxies.work import JoinProxyWork, ProxyDone


@task
def join_proxy(work: JoinProxyWork, files: Files, _report: Report) -> ProxyDone:
    """Write a proxy. Inputs: the source's frame index, files of segments. Outputs: the proxy, its frame index."""
    return joining.join(work, files.inputs, files.outputs)
