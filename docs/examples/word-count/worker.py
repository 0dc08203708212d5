"""A worker for Holon: takes tasks of a pool and does them. Needs Python 3.9 or newer and nothing else."""
import json, os, socket, threading, time, urllib.request

SERVER = os.environ.get("HOLON", "http://localhost:8080")
TOKEN = os.environ["HOLON_TOKEN"]
POOL = os.environ.get("HOLON_POOL", "texts")
NAME = os.environ.get("HOLON_WORKER", f"{socket.gethostname()} {os.getpid()}")

def count_words(task, say):
    """What is done for the task `count_words`. `task["key"]` is the same if it is ever done again."""
    words = task["input"]["text"].split()
    say({"counted": len(words)})
    return {"words": len(words), "longest": max(words, key=len, default="")}

DOES = {"count_words": count_words}

def ask(path, body):
    headers = {"Authorization": f"Bearer {TOKEN}", "Content-Type": "application/json"}
    asked = urllib.request.Request(SERVER + path, json.dumps(body).encode(), headers)
    with urllib.request.urlopen(asked, timeout=60) as answer:
        return json.loads(answer.read() or b"null")

def tell(task, what, body):
    """Says what became of a task until the server has heard it. 409: somebody else has the task, or nobody wants it."""
    while True:
        try:
            return ask(f"{task['at']}/{what}", body)
        except OSError as wrong:
            print(f"{task['key']}: {wrong}")
            if getattr(wrong, "code", 500) < 500 and wrong.code != 429:
                return None
        time.sleep(2)

def do(task):
    done = threading.Event()
    say = lambda progress: ask(f"{task['at']}/heartbeat", {"progress": progress})["wanted"]

    def keep():
        while not done.wait(task["heartbeat_ms"] / 3000):
            try:
                say(None)
            except OSError as missed:  # The next one may come through.
                print(missed)

    threading.Thread(target=keep, daemon=True).start()
    try:
        tell(task, "complete", {"output": DOES[task["name"]](task, say)})
    except Exception as wrong:
        tell(task, "fail", {"code": "worker_error", "message": f"{type(wrong).__name__}: {wrong}"[:500]})
    finally:
        done.set()

while True:
    try:
        for task in ask("/api/v1/workers/claims", {"pool": POOL, "worker": NAME})["tasks"]:
            do(task)
    except OSError as wrong:
        print(f"no tasks: {wrong}")
        time.sleep(2)
