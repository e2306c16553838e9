"""Replacements of `gh`, `curl` and pip for tests that run the steps of a CI job.

Small scripts with these names on the path call ``python FILE NAME ARGUMENTS``. The
state of the simulated server is a JSON file, named by ``SERVICE``.
"""

from __future__ import annotations

import json
import os
import shutil
import sys
from pathlib import Path
from urllib.parse import parse_qs, urlsplit


def main(name, *given):
    path = Path(os.environ["SERVICE"])
    state = json.loads(path.read_text())
    state["calls"].append([name, *given])
    code = {"gh": gh, "curl": curl, "python": pip}[name](state, list(given))
    path.write_text(json.dumps(state))
    return code


def refused(name, url, code=1):
    print(f"{name}: HTTP 403: {url}", file=sys.stderr)
    return code


def pip(state, given):
    return state["pip"]


# GitHub


def gh(state, given):
    if given[:2] == ["run", "download"]:
        return download(state, given)
    assert given.pop(0) == "api"
    asked = options(given, ("--method", "--jq", "-f", "-F"))
    (url,) = asked["rest"]
    method = asked.get("--method", ["GET"])[0]
    if any(it in url for it in state["refuses"].get(method, ())):
        return refused("gh", url)
    if url.endswith("/runs"):
        assert url == "repos/team/project/actions/workflows/tests.yml/runs"
        fields = dict(it.split("=", 1) for it in asked["-f"])
        shown = {"workflow_runs": state["runs"].get(fields["branch"], [])}
    elif method == "GET":
        assert url == "repos/team/project/issues/7/comments"
        shown = state["comments"]
    else:
        (body,) = asked["-F"]
        text = Path(body.removeprefix("body=@")).read_text()
        keep(state["comments"], method, url, text, "PATCH")
        shown = None
    if shown is not None:
        import jq

        for it in jq.compile(asked["--jq"][0]).input_value(shown):
            print(it)
    return 0


def download(state, given):
    asked = options(given[2:], ("--repo", "--name", "--dir"))
    (run,) = asked["rest"]
    assert asked["--repo"] == ["team/project"]
    found = state["artifacts"].get(f"{run}/{asked['--name'][0]}")
    if found is None:
        print("no valid artifacts found to download", file=sys.stderr)
        return 1
    folder = Path(asked["--dir"][0])
    folder.mkdir(parents=True)
    shutil.copy(found, folder)
    return 0


# GitLab


def curl(state, given):
    asked = options(given, ("--header", "--request", "--data-urlencode", "--output"))
    assert {"--fail", "--location"} <= set(given)
    (url,) = (it for it in asked["rest"] if not it.startswith("--"))
    method = asked.get("--request", ["GET"])[0]
    if any(it in url for it in state["refuses"].get(method, ())):
        return refused("curl", url, 22)
    address = urlsplit(url)
    inside = address.path.removeprefix("/api/v4/projects/42/")
    if inside.startswith("jobs/artifacts/"):
        (job,) = asked["--data-urlencode"]
        found = state["artifacts"].get(f"{inside} {job} {asked['--header'][0]}")
        if found is None:
            return refused("curl", url, 22)
        shutil.copy(found, asked["--output"][0])
    elif method == "GET":
        assert asked["--header"] == ["PRIVATE-TOKEN: secret"]
        page = int(parse_qs(address.query)["page"][0])
        print(json.dumps(state["comments"][100 * (page - 1) : 100 * page]))
    else:
        (body,) = asked["--data-urlencode"]
        text = Path(body.removeprefix("body@")).read_text()
        keep(state["comments"], method, inside, text, "PUT")
    return 0


def keep(comments, method, url, text, changes):
    """Add a comment, or replace an existing one if ``method`` is ``changes``."""
    if method == changes:
        (found,) = (it for it in comments if url.endswith(f"/{it['id']}"))
        found["body"] = text
    else:
        assert method == "POST"
        comments.append({"id": 1000 + len(comments), "body": text})


def options(given, with_value):
    """Parse arguments: options with values as lists, other arguments as ``rest``."""
    found = {"rest": []}
    left = iter(given)
    for it in left:
        if it in with_value:
            found.setdefault(it, []).append(next(left))
        elif it not in ("--paginate", "--silent", "--show-error", "--get"):
            found["rest"].append(it)
    return found


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
