# SPDX-License-Identifier: Apache-2.0
"""Keys and certificates for one run, ECDSA P-256 throughout."""

import os
import subprocess

from .machine import Failure


def _openssl(*words):
    done = subprocess.run(["openssl", *words], capture_output=True, text=True)
    if done.returncode != 0:
        raise Failure(f"openssl {words[0]}: {done.stderr}")


class Certificates:
    """ca.pem; origin.pem for origin.test, signed by it; site.pem for clients,
    signed by it; untrusted.pem for origin.test, signed by nobody known. Keys
    beside them end in .key; site-both.pem is what HAProxy wants."""

    def __init__(self, directory):
        self.directory = directory
        ec = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-noenc"]
        _openssl("req", "-x509", *ec, "-keyout", self.path("ca.key"), "-out", self.path("ca.pem"), "-days", "30", "-subj",
                 "/CN=gatewhy bench authority")
        for name, host in (("origin", "origin.test"), ("site", "site.test")):
            _openssl("req", "-x509", *ec, "-keyout", self.path(f"{name}.key"), "-out", self.path(f"{name}.pem"), "-days", "30",
                     "-subj", f"/CN={host}", "-addext", f"subjectAltName=DNS:{host}", "-addext", "basicConstraints=critical,CA:FALSE",
                     "-CA", self.path("ca.pem"), "-CAkey", self.path("ca.key"))
        _openssl("req", "-x509", *ec, "-keyout", self.path("untrusted.key"), "-out", self.path("untrusted.pem"), "-days", "30",
                 "-subj", "/CN=origin.test", "-addext", "subjectAltName=DNS:origin.test")
        with open(self.path("site-both.pem"), "w") as both:
            for part in ("site.pem", "site.key"):
                with open(self.path(part)) as file:
                    both.write(file.read())

    def path(self, name):
        return os.path.join(self.directory, name)
