"""An ordinary urllib call: the sandbox has told urllib about its proxy in the environment."""
import json
import urllib.error
import urllib.request


def run(payload):
    try:
        with urllib.request.urlopen(payload["url"], timeout=10) as response:
            return {"status": response.status, "bytes": len(response.read())}
    except urllib.error.HTTPError as error:
        # For http:// URLs the proxy's answer is the response, and says which rule it was.
        if error.headers.get("X-Vortex-Egress"):
            return {"refused": json.loads(error.read())}
        raise
