import { chmodSync, readFileSync, writeFileSync } from 'node:fs'

/** Returns the certificates in the file that NODE_EXTRA_CA_CERTS names. A file that cannot be read is ignored, as by Node.js. */
export function readExtraCertificates(path: string | undefined): string | undefined {
  if (!path) return undefined
  try {
    return readFileSync(path, 'utf8')
  } catch {
    return undefined
  }
}

/** Writes a file of certificates for a command, which may run as another user. */
export function writeCertificates(file: string, certificates: string): void {
  writeFileSync(file, certificates)
  // Independent of the umask.
  chmodSync(file, 0o644)
}
