import { chmodSync, chownSync, mkdtempSync, readFileSync, statSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'

/** The account that runs the server. */
export interface Account {
  readonly uid: number
  readonly gid: number
}

/** PostgreSQL refuses to run as root: an existing account without rights takes its place. Not as root: undefined. */
export function unprivilegedAccount(): Account | undefined {
  if (process.getuid?.() !== 0) return undefined
  const accounts = readFileSync('/etc/passwd', 'utf8')
    .split('\n')
    .map(line => line.split(':'))
    .map(([name = '', , uid, gid]) => ({ name, uid: Number(uid), gid: Number(gid) }))
    .filter(({ uid }) => Number.isInteger(uid) && uid !== 0)
  const account = accounts.find(({ name }) => name === 'nobody') ?? accounts[0]
  if (!account) throw new Error('PostgreSQL does not run as root, and /etc/passwd names no other account to run it as.')
  return { uid: account.uid, gid: account.gid }
}

/** A temporary folder of the account's own, where it can get in. */
export function makeFolder(account: Account | undefined): string {
  const places = [tmpdir(), '/tmp', '/var/tmp']
  const place = account ? (places.find(candidate => isOpenTo(account, join(candidate, 'x'))) ?? tmpdir()) : tmpdir()
  const folder = mkdtempSync(join(place, 'redshift-emulator-'))
  chmodSync(folder, 0o700)
  if (account) chownSync(folder, account.uid, account.gid)
  return folder
}

/** Whether the account can get into every folder above. */
export function isOpenTo(account: Account, path: string): boolean {
  const folder = dirname(path)
  if (folder === path) return true
  const { uid, mode } = statSync(folder)
  return (uid === account.uid ? (mode & 0o100) !== 0 : (mode & 0o1) !== 0) && isOpenTo(account, folder)
}
