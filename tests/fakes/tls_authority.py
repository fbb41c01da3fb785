"""A certificate authority that lives as long as a test: one CA, and server certificates for the names asked for."""
import os
import subprocess


def _openssl(*arguments):
    subprocess.run(["openssl", *arguments], check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)


class TlsAuthority:
    def __init__(self, directory, name="Mailmoor test CA"):
        os.makedirs(directory, exist_ok=True)
        self.directory = directory
        self.ca_file = f"{directory}/ca.pem"
        self._ca_key = f"{directory}/ca.key"
        _openssl("req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes",
                 "-days", "30", "-subj", f"/CN={name}", "-addext", "basicConstraints=critical,CA:TRUE",
                 "-addext", "keyUsage=critical,keyCertSign,cRLSign", "-keyout", self._ca_key, "-out", self.ca_file)

    def issue(self, label="localhost", names="DNS:localhost,IP:127.0.0.1"):
        """(certificate file, key file) of a server known by `names`, a subjectAltName."""
        base = f"{self.directory}/{label}"
        with open(f"{base}.ext", "w", encoding="ascii") as extensions:
            extensions.write(f"subjectAltName={names}\nextendedKeyUsage=serverAuth\n")
        _openssl("req", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes",
                 "-subj", f"/CN={label}", "-keyout", f"{base}.key", "-out", f"{base}.csr")
        _openssl("x509", "-req", "-in", f"{base}.csr", "-CA", self.ca_file, "-CAkey", self._ca_key,
                 "-CAcreateserial", "-days", "30", "-extfile", f"{base}.ext", "-out", f"{base}.pem")
        return f"{base}.pem", f"{base}.key"

    def app_certificate(self, label="app", days=365):
        """(certificate file, key file) of an OAuth client: RSA, self-signed, as app registrations take it."""
        base = f"{self.directory}/{label}"
        _openssl("req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", str(days), "-subj", f"/CN={label}",
                 "-keyout", f"{base}.key", "-out", f"{base}.pem")
        os.chmod(f"{base}.key", 0o600)
        return f"{base}.pem", f"{base}.key"
