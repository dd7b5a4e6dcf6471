import { chmodSync, chownSync, mkdtempSync, readFileSync, statSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'

/** The operating system's account that runs the server. */
export interface Account {
  readonly uid: number
  readonly gid: number
}

/** An existing account without rights, because PostgreSQL refuses to run as root. Undefined if this process does not run as root. */
export function unprivilegedAccount(): Account | undefined {
  if (process.getuid?.() !== 0) return undefined
  const accounts = readFileSync('/etc/passwd', 'utf8')
    .split('\n')
    .map(line => line.split(':'))
    .map(([name = '', , uid, gid]) => ({ name, uid: Number(uid), gid: Number(gid) }))
    .filter(({ uid }) => Number.isInteger(uid) && uid !== 0)
  const account = accounts.find(({ name }) => name === 'nobody') ?? accounts[0]
  if (!account)
    throw new Error(
      'PostgreSQL refuses to run as root, and /etc/passwd has no other account. Run the emulator as another user.',
    )
  return { uid: account.uid, gid: account.gid }
}

/** Creates a temporary folder that belongs to the account, at a path that it can access. */
export function makeFolder(account: Account | undefined): string {
  const places = [tmpdir(), '/tmp', '/var/tmp']
  const place = account
    ? (places.find(candidate => isAccessibleTo(account, join(candidate, 'x'))) ?? tmpdir())
    : tmpdir()
  const folder = mkdtempSync(join(place, 'redshift-emulator-'))
  chmodSync(folder, 0o700)
  if (account) chownSync(folder, account.uid, account.gid)
  return folder
}

/** Whether the account can access every parent folder. */
export function isAccessibleTo(account: Account, path: string): boolean {
  const folder = dirname(path)
  if (folder === path) return true
  const { uid, mode } = statSync(folder)
  return (uid === account.uid ? (mode & 0o100) !== 0 : (mode & 0o1) !== 0) && isAccessibleTo(account, folder)
}
