"""SQL over a workspace: one SELECT over seventeen views, which can read the workspace's data and do nothing else.

`query` runs a statement, `output` writes its result, `shell` is the interactive loop, `views/*.sql` are the views.
Three walls stand one behind the other: `guard` allows only what a query needs and says clearly what it refuses;
DuckDB itself has no file access, being handed open Arrow data sets (`catalog` names their files); and the process
that runs it (`worker`) may write no byte to any file, and is killed when its time is over.

Rows come in the order that the statement asks for; one without ORDER BY may give them in any.
This module imports nothing, so that the worker starts quickly.
"""
