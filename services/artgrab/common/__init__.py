"""What every stage shares. It is light: no torch, numpy, cv2 or selenium.

resources, resource_urls, documents/     what users write, read and checked
store/, keys, stored, digests            where everything lies, and under which name
records, record_parts, outcomes          what became of each candidate
manifest, tallies, likeness, takedowns   what a snapshot holds, and what was taken out
network, urls, endpoints, addresses, resolving   whom we call, and as who
politeness/                              what sites ask of robots
processes, servers, rendezvous           processes, and how they find one another
logs, progress, errors, pages/           what people read
"""

import os

# Read when grpc is imported, which is later. Below ERROR it tells each handshake that fails, on
# stderr: strangers could fill the log of a server.
os.environ.setdefault("GRPC_VERBOSITY", "ERROR")
