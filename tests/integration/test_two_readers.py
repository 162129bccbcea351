"""Two people on one page: what one does the other has within 200 ms, in the same bytes, by every way of listening."""

import asyncio
import time
from pathlib import Path

from server.fold import fold
from tests.support.running import running


async def test_what_one_does_reaches_the_other_within_200_ms_in_the_same_bytes(tmp_path: Path) -> None:
    async with running(tmp_path) as site:
        article = await site.article()
        page = await site.thread(article)
        async with site.live() as ana, site.live() as ben:
            for live in (ana, ben):
                await live.subscribe(article, page["epoch"], page["seq"])
            first = await site.post(article, "First.")
            comment, seq, slowest = first["event"]["comment"]["id"], 1, 0.0
            for step in range(30):
                start = time.monotonic()
                match step % 3:
                    case 0:
                        seq = (await site.post(article, f"Reply {step}.", parent=comment))["event"]["seq"]
                    case 1:
                        path, body = f"/api/comments/{comment}", {"text": f"Edited {step}."}
                        seq = (await site.ask("PATCH", path, body, token=first["token"])).json()["event"]["seq"]
                    case 2:
                        seq = (await site.decide(comment, "pin" if step % 2 == 0 else "unpin"))["event"]["seq"]
                await ben.wait_for_seq(article, seq)
                slowest = max(slowest, time.monotonic() - start)
            head = (await site.thread(article))["seq"]
            await asyncio.gather(ana.wait_for_seq(article, head), ben.wait_for_seq(article, head))
            assert ana.raw_events == ben.raw_events
            fresh = await site.thread(article)
            assert fold(page, ana.events)["comments"] == fresh["comments"]
            assert slowest < 0.2, f"{slowest * 1000:.0f} ms"
