"""What takes long is read by a process of its own, so that no answer waits for it."""

import asyncio
import json
import os
import sys
from pathlib import Path
from typing import Any

MOST_SECONDS = 60.0  # that somebody waits for it


async def told_by(module: str, asked: dict[str, Any]) -> bytes | None:
    """Return what `python -m module` writes when it is given `asked` as JSON; None if it fails, or takes too long."""
    beside = Path(__file__).parents[1]
    paths = os.pathsep.join([str(beside), *filter(None, [os.environ.get("PYTHONPATH")])])
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-P", "-m", module),
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        env={**os.environ, "PYTHONPATH": paths},
    )
    try:
        told, _ = await asyncio.wait_for(process.communicate(json.dumps(asked).encode()), MOST_SECONDS)
    except TimeoutError:
        process.kill()
        await process.wait()
        return None
    return None if process.returncode else told or None
