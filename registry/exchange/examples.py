"""Examples for the document: do-not-call and do-not-mail lists."""

from registry.kit.http.examples import EMAIL, Example, Examples

EXAMPLES: Examples = {
    "POST /api/v1/lists/{name}/entries": Example(
        path={"name": "own-nordwind"},
        requests={"two who called": {"entries": [EMAIL, "+37120000001"]}},
        answers={"two who called": {"listed": 2, "persons": 1}},
        problems=(
            "list.unknown",
            "list.national",
        ),
    ),
    "GET /api/v1/lists": Example(
        answers={
            "all lists": {
                "lists": [
                    {
                        "id": "at-ecg",
                        "kind": "national",
                        "country": "AT",
                        "channels": ["email"],
                        "entries": 0,
                        "dated": None,
                        "fresh_until": None,
                        "usable": False,
                    },
                    {
                        "id": "own-nordwind",
                        "kind": "own",
                        "country": None,
                        "channels": ["email", "sms", "call"],
                        "entries": 2,
                        "dated": None,
                        "fresh_until": None,
                        "usable": True,
                    },
                ]
            }
        }
    ),
}
