"""`croissant.json`: a version described for machines, in Croissant 1.1 (JSON-LD).

https://docs.mlcommons.org/croissant/docs/croissant-spec-1.1.html
"""

import json
from typing import Final

from quimbot_data.card import tables
from quimbot_data.card.croissant.records import Json, distribution, record_sets
from quimbot_data.card.croissant.responsible import responsible
from quimbot_data.card.figures import CardFacts
from quimbot_data.card.header import tags
from quimbot_data.card.markdown import count
from quimbot_data.card.rows import Source
from quimbot_data.licenses import spdx_pages
from schemas.clearance import Clearance
from schemas.manifest import VersionManifest

#: Keys that stand for a term of Croissant's own vocabulary: appendix 1 of the specification.
_TERMS: Final = (
    *("annotation", "arrayShape", "citeAs", "column", "containedIn", "equivalentProperty", "excludes", "extract"),
    *("field", "fileProperty", "fileObject", "fileSet", "format", "includes", "isArray", "isLiveDataset", "jsonPath"),
    *("key", "md5", "parentField", "path", "readLines", "recordSet", "references", "regex", "repeated", "replace"),
    *("samplingRate", "sdVersion", "separator", "source", "subField", "transform", "unArchive", "value"),
)
_CONTEXT: Final[Json] = {
    "@language": "en",
    "@vocab": "https://schema.org/",
    "cr": "http://mlcommons.org/croissant/",
    "dct": "http://purl.org/dc/terms/",
    "prov": "http://www.w3.org/ns/prov#",
    "rai": "http://mlcommons.org/croissant/RAI/",
    "sc": "https://schema.org/",
    "conformsTo": "dct:conformsTo",
    "data": {"@id": "cr:data", "@type": "@json"},
    "dataType": {"@id": "cr:dataType", "@type": "@vocab"},
    "description": {"@container": "@language"},
    "examples": {"@id": "cr:examples", "@type": "@json"},
    "name": {"@container": "@language"},
    **{term: f"cr:{term}" for term in _TERMS},
}
_BIBTEX: Final = str.maketrans({"\\": r"\textbackslash{}", **{mark: f"\\{mark}" for mark in "{}&%$#_"}})


def document(manifest: VersionManifest, facts: CardFacts) -> bytes:
    """The file's bytes: the same for the same version."""
    return (json.dumps(croissant(manifest, facts), ensure_ascii=False, indent=1) + "\n").encode()


def croissant(manifest: VersionManifest, facts: CardFacts) -> Json:
    """The description as JSON-LD; paths in it are relative to the version's folder."""
    described = {
        "@context": _CONTEXT,
        "@type": "sc:Dataset",
        "conformsTo": "http://mlcommons.org/croissant/1.1",
        "name": manifest.name,
        "alternateName": facts.build.title,
        "description": _description(manifest, facts),
        "version": manifest.version,
        "identifier": f"sha256:{manifest.id}",
        "datePublished": manifest.record.get("created"),
        "url": "README.md",  # the page about it is its card, beside this file
        "license": _licences(manifest, facts),
        "usageInfo": [*(_usage(row.term, row.dialogues) for row in facts.terms), *map(_clearance, manifest.cleared)],
        "citeAs": _citation(manifest, facts),
        "creator": [_creator(manifest, row.source) for row in _giving(facts)],
        "keywords": tags(facts),
        "inLanguage": [row.language for row in facts.languages if row.language != "und"],
        "isLiveDataset": False,
        **_provenance(manifest, facts),
        **responsible(manifest, facts),
        "distribution": distribution(manifest),
        "recordSet": record_sets(manifest),
    }
    return {name: value for name, value in described.items() if value not in (None, "", [])}


# What it is, whose, and where it comes from


def _giving(facts: CardFacts) -> list[Source]:
    """The sources that gave dialogues."""
    return [row for row in facts.sources if row.dialogues]


def _description(manifest: VersionManifest, facts: CardFacts) -> str:
    totals, recipe = facts.totals, manifest.identity.recipe
    return (
        f"{facts.build.title}: {count(totals.dialogues)} dialogues ({count(totals.tokens)} tokens) in"
        f" {count(totals.languages)} languages, drawn by the recipe {recipe.name} from"
        f" {', '.join(row.source for row in _giving(facts)) or 'no source'}. Whoever runs that recipe over the same"
        " corpora gets the same rows and the same identifier. README.md, beside this file, is its card."
    )


def _licences(manifest: VersionManifest, facts: CardFacts) -> list[str]:
    """Those that rows are under; where there are no rows, those of the sources."""
    found = {row.license for row in facts.licenses} or {str(known["license"]) for known in manifest.sources.values()}
    return sorted({page for license_id in found for page in spdx_pages(license_id)})


def _usage(term: str, dialogues: int) -> Json:
    duty = tables.DUTIES[term].removesuffix(" (the lines above)")  # which stand on a card only
    return {
        "@type": "sc:DefinedTerm",
        "name": term,
        "description": f"{duty}; asked by the licences of {count(dialogues)} dialogues",
    }


def _clearance(cleared: Clearance) -> Json:
    return {
        "@type": "sc:CreativeWork",
        "name": f"Rows of {cleared.source} under {cleared.license}",
        "description": f"admitted although their terms are unknown; cleared on {cleared.on}: {cleared.reason}",
        "author": {"@type": "sc:Person", "name": cleared.by},
    }


def _citation(manifest: VersionManifest, facts: CardFacts) -> str:
    """BibTeX: the version, its id, and the sources' own attributions."""
    credited = "; ".join(_credit(manifest, row.source) for row in _giving(facts))
    year = str(manifest.record.get("created") or "")[:4]
    fields = {
        "title": facts.build.title,
        "version": manifest.version,
        **({"year": year} if year.isdecimal() else {}),
        "note": f"id sha256:{manifest.id}" + (f"; drawn from {credited}" if credited else ""),
    }
    lines = [f"  {name} = {{{' '.join(text.split()).translate(_BIBTEX)}}}" for name, text in fields.items()]
    return f"@misc{{{manifest.name}-{manifest.version},\n" + ",\n".join(lines) + "\n}"


def _credit(manifest: VersionManifest, source: str) -> str:
    known = manifest.sources[source]
    return str(known["attribution"] or known["title"])


def _creator(manifest: VersionManifest, source: str) -> Json:
    url = manifest.sources[source]["url"]
    return {"@type": "sc:Organization", "name": _credit(manifest, source), **({"url": url} if url else {})}


def _provenance(manifest: VersionManifest, facts: CardFacts) -> Json:
    """PROV-O: the corpora that rows came from, and the build that drew them."""
    libraries = sorted(manifest.record.get("libraries", {}).items())
    build = {
        "@type": "prov:Activity",
        "name": f"quimbot build {manifest.identity.recipe.name} --version {manifest.version}",
        "prov:endedAtTime": manifest.record.get("created"),
        "instrument": [
            {"@type": "sc:SoftwareApplication", "name": name, "softwareVersion": version} for name, version in libraries
        ],
    }
    return {
        # Entities, not data sets: mlcroissant takes the first data set that it meets for the one described.
        "prov:wasDerivedFrom": [_source(manifest, facts, row.source, row.dialogues) for row in _giving(facts)],
        "prov:wasGeneratedBy": {name: value for name, value in build.items() if value not in (None, [])},
    }


def _source(manifest: VersionManifest, facts: CardFacts, source: str, dialogues: int) -> Json:
    known = manifest.sources[source]
    entity = {
        "@type": "prov:Entity",
        "name": source,
        "alternateName": known["title"],
        "description": f"{count(dialogues)} dialogues; digest of the ingested corpus {known['corpus_digest']}",
        "url": known["url"],
        "version": known["revision"],
        "license": sorted({page for row in facts.licenses if row.source == source for page in spdx_pages(row.license)}),
        "creditText": known["attribution"],
    }
    return {name: value for name, value in entity.items() if value not in (None, "", [])}
