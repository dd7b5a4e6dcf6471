import { chmodSync, mkdtempSync, readFileSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

/** The certificates in a file. Node.js reads nothing else of it, such as a private key. */
const CERTIFICATES = /^-----BEGIN (X509 )?CERTIFICATE-----$.*?^-----END \1?CERTIFICATE-----$/gms

/**
 * Returns the certificates in the file that NODE_EXTRA_CA_CERTS names, without anything else that it contains. A file that cannot be read
 * is ignored, as by Node.js.
 */
export function readExtraCertificates(path: string | undefined): string | undefined {
  if (!path) return undefined
  try {
    return readFileSync(path, 'utf8').match(CERTIFICATES)?.join('\n')
  } catch {
    return undefined
  }
}

/** Creates a temporary folder for the certificates of a command, which may run as another user. */
export function createCertificateFolder(prefix: string): string {
  const folder = mkdtempSync(join(tmpdir(), prefix))
  chmodSync(folder, 0o755)
  return folder
}

/** Writes a file of certificates for a command, which may run as another user. */
export function writeCertificates(file: string, certificates: string): void {
  writeFileSync(file, certificates)
  // Independent of the umask.
  chmodSync(file, 0o644)
}
