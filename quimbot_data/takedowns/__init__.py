"""Takedowns: rows that somebody asked to go, out of all later builds, and on demand out of the workspace.

    request     a request is checked, resolved and noted; what of a tree stays that holds its turns: `shared`
    ledger      one file an entry below `takedowns/`: ids and hashes, never text
    resolve     what a request takes: rows by id, raw id or text, their copies, and what was made of them
    marks       by what taken rows and their near-copies are known again
    exclusion   a build keeps them out, together with their near-duplicates
    corpora     what a corpus holds of them
    holders     what a version holds of them; such a version does not leave the workspace
    report      which corpora, versions, exports and training runs hold them, and the patched version to build
    plan        what a purge has to erase, and what it cannot reach: of corpora and raw files (`raw_rows`), versions,
                copies that commands made (`copies`), and files that nobody listed (`sweep`); what is like the rows
                and stays (`staying`)
    purge       raw files (`erasing`), cached replies (`replies`) and corpora (`rewriting`) without them; versions that
                held them leave a tombstone (`withdraw`)
    left        what is out of reach, seen again in every report, without the text (`traces`)

Rows are told by ids and hashes; `texts` says how text is compared where it is, before a purge, and where it was pasted,
`told` what is looked for in a file, and `reading` how any file is read.
"""
