import { type ChildProcess, spawn } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { chownSync, closeSync, openSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:net'
import { join } from 'node:path'
import { type Account, makeFolder, unprivilegedAccount } from './account.js'
import { type Binaries, findBinaries } from './binaries.js'
import { CleanupProcess } from './cleanup-process.js'
import type { Server } from './server.js'

const superuser = 'postgres'

/** Durability is off, because the folder is removed at the end. */
const serverSettings = {
  listen_addresses: '127.0.0.1',
  unix_socket_directories: '',
  max_connections: '1200',
  shared_buffers: '16MB',
  fsync: 'off',
  synchronous_commit: 'off',
  full_page_writes: 'off',
  autovacuum: 'off',
  timezone: 'UTC',
}

/** Starts a PostgreSQL server with an empty database cluster in a temporary folder. */
export async function startServer(): Promise<Server> {
  const account = unprivilegedAccount()
  const folder = makeFolder(account)
  const cleanup = await CleanupProcess.start(folder).catch(error => {
    rmSync(folder, { recursive: true, force: true })
    throw error
  })
  try {
    const binaries = await findBinaries(account, folder)
    const run = { account, folder, cleanup, binaries }
    const password = randomBytes(24).toString('base64url')
    await createCluster(run, password)
    const port = await startPostgres(run)
    return { host: '127.0.0.1', port, user: superuser, password, database: 'postgres', close: () => cleanup.finish() }
  } catch (error) {
    await cleanup.finish()
    throw error
  }
}

interface Run {
  readonly account: Account | undefined
  readonly folder: string
  readonly cleanup: CleanupProcess
  readonly binaries: Binaries
}

async function createCluster(run: Run, password: string): Promise<void> {
  const passwordFile = join(run.folder, 'password')
  writeFileSync(passwordFile, password, { mode: 0o600 })
  if (run.account) chownSync(passwordFile, run.account.uid, run.account.gid)
  const child = spawnProgram(run, run.binaries.initdb, [
    `--pgdata=${join(run.folder, 'data')}`,
    `--username=${superuser}`,
    `--pwfile=${passwordFile}`,
    '--auth=password',
    '--encoding=UTF8',
    '--locale=C',
    '--no-sync',
  ])
  const failure = await ended(child)
  run.cleanup.watch(undefined)
  if (failure) throw new Error(`initdb ${failure}:\n${readLog(run)}`)
}

/** Starts the server on a free port, and resolves with the port when the server accepts connections. */
async function startPostgres(run: Run): Promise<number> {
  for (let attempt = 1; ; attempt += 1) {
    const port = await freePort()
    const settings = Object.entries(serverSettings).flatMap(([name, value]) => ['-c', `${name}=${value}`])
    const child = spawnProgram(run, run.binaries.postgres, [
      '-D',
      join(run.folder, 'data'),
      '-p',
      `${port}`,
      ...settings,
    ])
    const outcome = await Promise.race([ended(child), ready(join(run.folder, 'data', 'postmaster.pid'), child)])
    if (outcome === 'ready') {
      child.once('exit', () => run.cleanup.watch(undefined))
      child.unref()
      return port
    }
    run.cleanup.watch(undefined)
    const log = readLog(run)
    // Another program may have taken the free port in the meantime.
    if (attempt === 3 || !/could not bind/.test(log)) throw new Error(`postgres ${outcome ?? 'ended'}:\n${log}`)
  }
}

/** Detached, so that a Ctrl-C in the terminal does not reach it: the cleanup process stops it. */
function spawnProgram({ account, folder, cleanup }: Run, program: string, args: string[]): ChildProcess {
  const log = openSync(join(folder, 'log'), 'w')
  try {
    const child = spawn(program, args, {
      ...account,
      cwd: folder,
      detached: true,
      windowsHide: true,
      stdio: ['ignore', log, log],
      env: environment(),
    })
    cleanup.watch(child.pid)
    return child
  } finally {
    closeSync(log)
  }
}

/** Resolves with how the program failed, or undefined if it succeeded. */
function ended(child: ChildProcess): Promise<string | undefined> {
  return new Promise(resolve => {
    child.once('error', error => resolve(`could not be run (${error.message})`))
    child.once('exit', (code, signal) => resolve(code === 0 ? undefined : `ended with ${signal ?? `code ${code}`}`))
  })
}

/** Waits until the server's lock file says that it is ready, as pg_ctl does. */
async function ready(lockFile: string, child: ChildProcess): Promise<'ready' | undefined> {
  while (child.exitCode === null && child.signalCode === null) {
    if (/^ready/m.test(readIfExists(lockFile))) return 'ready'
    await new Promise(resolve => setTimeout(resolve, 10))
  }
  return undefined
}

function readLog({ folder }: Run): string {
  return readIfExists(join(folder, 'log')).trim()
}

function readIfExists(path: string): string {
  try {
    return readFileSync(path, 'utf8')
  } catch {
    return ''
  }
}

/** Only the variables that programs need to start: other processes of the account can read them. */
function environment(): NodeJS.ProcessEnv {
  const needed = /^(PATH|HOME|TMPDIR|TEMP|TMP|SystemRoot|ComSpec|LD_LIBRARY_PATH|DYLD_LIBRARY_PATH)$/i
  const kept = Object.entries(process.env).filter(([name]) => needed.test(name))
  return { ...Object.fromEntries(kept), LC_ALL: 'C' }
}

function freePort(): Promise<number> {
  return new Promise((resolve, reject) => {
    const server = createServer()
    server.once('error', reject)
    server.listen(0, '127.0.0.1', () => {
      const address = server.address()
      server.close(() => resolve(typeof address === 'object' && address ? address.port : 0))
    })
  })
}
