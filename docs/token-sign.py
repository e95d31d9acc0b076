#!/usr/bin/python3
"""Has a PKCS#11 token sign the octets of a file with Ed25519, in one call as EdDSA wants it (PKCS#11 3.0, section 2.3.14).

usage: PIN=... token-sign.py MODULE TOKEN-LABEL KEY-LABEL OCTETS SIGNED

Needs PyKCS11 (Debian: python3-pykcs11)."""
import os
import sys

from PyKCS11 import CKA_CLASS, CKA_LABEL, CKO_PRIVATE_KEY, Mechanism, PyKCS11Lib

CKM_EDDSA = 0x1057

if len(sys.argv) != 6 or "PIN" not in os.environ:
    sys.exit(__doc__)
module, token, label, octets, signed = sys.argv[1:]
library = PyKCS11Lib()
library.load(module)
slots = [s for s in library.getSlotList(tokenPresent=True) if library.getTokenInfo(s).label.strip("\0 ") == token]
if not slots:
    sys.exit(f"no token is called {token!r}")
session = library.openSession(slots[0])
session.login(os.environ["PIN"])
keys = session.findObjects([(CKA_CLASS, CKO_PRIVATE_KEY), (CKA_LABEL, label)])
if len(keys) != 1:
    sys.exit(f"{len(keys)} secret keys on the token are called {label!r}, not one")
with open(octets, "rb") as file:
    signature = bytes(session.sign(keys[0], file.read(), Mechanism(CKM_EDDSA, None)))
with open(signed, "wb") as file:
    file.write(signature)
