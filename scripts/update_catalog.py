"""Write sizes and hashes of the files in `weights/` into the catalogue; run it after exporting a network anew."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
CATALOG = ROOT / "colorizer" / "networks" / "catalog.json"


def main() -> None:
    """Fill in what the catalogue says of the files that come with the package."""
    catalog = json.loads(CATALOG.read_text(encoding="utf-8"))
    for model in catalog["models"]:
        for file in model["files"]:
            if file.get("packaged"):
                content = (ROOT / "weights" / file["name"]).read_bytes()
                file["size"] = len(content)
                file["sha256"] = hashlib.sha256(content).hexdigest()
                print(f"{file['name']}: {file['size']} bytes, SHA-256 {file['sha256']}")
    CATALOG.write_text(json.dumps(catalog, indent=2, ensure_ascii=False) + "\n", encoding="utf-8", newline="\n")


if __name__ == "__main__":
    main()
