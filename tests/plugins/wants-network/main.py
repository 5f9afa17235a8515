

def run(payload):
    return None
