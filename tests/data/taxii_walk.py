#!/usr/bin/env python3
"""Walks a TAXII 2.1 server as other programs do, and checks each object with OASIS' own validator. Offline but for the server.
Arguments: URL of the discovery, user, password. Prints what it found as JSON."""
import json
import sys

from stix2validator import ValidationOptions, validate_instance
from taxii2client.v21 import Server, as_pages

url, user, password = sys.argv[1:4]
server = Server(url, user=user, password=password)
root = server.api_roots[0]
collection = root.collections[0]
objects, pages = [], 0
for envelope in as_pages(collection.get_objects, per_request=4):
    pages += 1
    objects.extend(envelope.get("objects", []))

# Strict but for one recommendation: ids of random numbers (UUIDv4), where ours follow from what an object speaks of.
options = ValidationOptions(version="2.1", strict=True, disabled="103")
faults = []
for one in objects:
    found = validate_instance(one, options)
    faults += [f"{one['id']}: {error}" for error in found.errors]
    faults += [f"{one['id']}: {warning}" for warning in found.warnings]
bundle = {"type": "bundle", "id": "bundle--" + objects[0]["id"].split("--")[1], "objects": objects}
found = validate_instance(bundle, options)
faults += [str(error) for error in found.errors]

indicator = next(one for one in objects if one["type"] == "indicator")
by_id = collection.get_object(indicator["id"])["objects"]
versions = collection.object_versions(indicator["id"]) if hasattr(collection, "object_versions") else None
manifest = collection.get_manifest()["objects"]
only = collection.get_objects(type="sighting").get("objects", [])
later = collection.get_objects(added_after=manifest[-1]["date_added"]).get("objects", [])
print(json.dumps({
    "title": server.title, "root": root.title, "can_read": collection.can_read, "can_write": collection.can_write,
    "pages": pages, "objects": objects, "faults": faults, "by_id": by_id, "manifest": manifest,
    "sightings": len(only), "later": later, "versions": versions,
}))
