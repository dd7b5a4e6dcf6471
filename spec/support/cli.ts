import { type ChildProcess, spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { cpSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { expect } from 'chai'
import type { EmulatorOptions, RedshiftEmulator } from '../../lib/emulator/index.js'
import { buildCli } from '../../scripts/build-cli.js'
import { buildLibrary } from '../../scripts/build-library.js'
import { startEmulator } from './emulator.js'

const root = fileURLToPath(new URL('../..', import.meta.url))

/** How a process ended, and what it printed. */
export interface Ended {
  readonly code: number | null
  readonly signal: NodeJS.Signals | null
  readonly stdout: string
  readonly stderr: string
}

/** Built once for all suites of this process. */
let built: Promise<string> | undefined

async function build(): Promise<string> {
  const folder = mkdtempSync(join(tmpdir(), 'pg-redshift-iam-built-'))
  process.once('exit', () => rmSync(folder, { recursive: true, force: true }))
  await Promise.all([buildCli(folder), buildLibrary(folder)])
  return folder
}

/** The target of most specs: a cluster of the emulator. */
export const CLUSTER = 'examplecluster.abc123xyz789.us-west-2.redshift.amazonaws.com'

/** Environment variables to set, or to unset if undefined. */
export type Env = Readonly<Record<string, string | undefined>>

/** What exists while a suite runs. */
interface Setup {
  readonly folder: string
  readonly emulator: RedshiftEmulator
  readonly env: Readonly<Record<string, string>>
}

/** The command line as users get it: built into a package folder, run as a process, and set up for an emulator. */
export class Cli {
  #setup: Setup | undefined
  readonly #running = new Set<ChildProcess>()

  get #current(): Setup {
    if (!this.#setup) throw new Error('The command line exists from the before hooks on.')
    return this.#setup
  }

  get emulator(): RedshiftEmulator {
    return this.#current.emulator
  }

  /** The package folder, which is also the working directory and HOME. */
  get folder(): string {
    return this.#current.folder
  }

  get main(): string {
    return join(this.folder, 'dist', 'cli', 'main.js')
  }

  /** An environment that leads to the emulator, and uses nothing of this machine. */
  get env(): Readonly<Record<string, string>> {
    return this.#current.env
  }

  async open(options?: EmulatorOptions): Promise<void> {
    built ??= build()
    const [emulator, dist] = await Promise.all([startEmulator(options), built])
    const folder = mkdtempSync(join(tmpdir(), 'pg-redshift-iam-cli-'))
    for (const name of ['package.json', 'node_modules']) symlinkSync(join(root, name), join(folder, name))
    cpSync(dist, join(folder, 'dist'), { recursive: true })
    this.#setup = { folder, emulator, env: environment(folder, emulator) }
  }

  async close(): Promise<void> {
    if (!this.#setup) return
    // Processes of a failed spec must not delay the others.
    for (const { pid } of this.#running) if (pid !== undefined) process.kill(-pid, 'SIGKILL')
    await this.emulator.close()
    rmSync(this.folder, { recursive: true, force: true, maxRetries: 3 })
  }

  start(parameters: readonly string[], env: Env = {}): ChildProcess {
    return this.#spawn(process.execPath, [this.main, ...parameters], env)
  }

  /** Runs in a new terminal. Both streams arrive on stdout. */
  startOnTerminal(parameters: string, env: Env = {}, columns = 100): ChildProcess {
    const command = `stty cols ${columns}; exec "${process.execPath}" "${this.main}" ${parameters}`
    return this.#spawn('script', ['-qec', command, '/dev/null'], { TERM: 'xterm', ...env })
  }

  run(parameters: readonly string[], env?: Env): Promise<Ended> {
    return ended(this.start(parameters, env))
  }

  /** Runs a command that succeeds and prints nothing on stderr. */
  async output(parameters: readonly string[], env?: Env): Promise<string> {
    const { code, stdout, stderr } = await this.run(parameters, env)
    expect({ code, stderr }).to.deep.equal({ code: 0, stderr: '' })
    return stdout
  }

  /** Runs a command that must fail before anything is sent or printed. Returns the message. */
  async refusal(parameters: readonly string[], env?: Env): Promise<string> {
    const calls = this.emulator.calls.length
    const end = await this.run(parameters, env)
    const { code, stdout, stderr } = end
    expect({ code, stdout }, stderr).to.deep.equal({ code: 2, stdout: '' })
    expect(sectionOf(end), stderr).to.be.oneOf(['wrong-flags', 'err_redshift_option'])
    expect(stderr).not.to.match(/^\s+at /m)
    expect(this.emulator.calls).to.have.length(calls)
    return stderr
  }

  #spawn(program: string, parameters: readonly string[], env: Env): ChildProcess {
    const child = spawn(program, parameters, {
      cwd: this.folder,
      env: { ...this.env, ...env },
      // In its own process group, so that its children end with it.
      detached: true,
    })
    this.#running.add(child)
    child.once('close', () => this.#running.delete(child))
    return child
  }
}

function environment(folder: string, emulator: RedshiftEmulator): Record<string, string> {
  const file = (name: string, content: string): string => {
    writeFileSync(join(folder, name), content)
    return join(folder, name)
  }
  const { accessKeyId, secretAccessKey, sessionToken } = emulator.aws.credentials
  return {
    PATH: process.env.PATH ?? '',
    HOME: folder,
    AWS_CONFIG_FILE: file('aws-config', ''),
    AWS_SHARED_CREDENTIALS_FILE: file('aws-credentials', ''),
    AWS_EC2_METADATA_DISABLED: 'true',
    AWS_ACCESS_KEY_ID: accessKeyId,
    AWS_SECRET_ACCESS_KEY: secretAccessKey,
    AWS_SESSION_TOKEN: sessionToken,
    AWS_ENDPOINT_URL_REDSHIFT: emulator.endpoint,
    AWS_ENDPOINT_URL_REDSHIFT_SERVERLESS: emulator.endpoint,
    AWS_ENDPOINT_URL_STS: emulator.endpoint,
    NODE_EXTRA_CA_CERTS: file('ca.pem', emulator.ca),
    PGHOSTADDR: emulator.address.host,
    PGPORT: String(emulator.address.port),
    PGDATABASE: 'dev',
  }
}

/** Starts an emulator and sets up the command line for a suite. Both exist from the before hooks on. */
export function useCli(options?: EmulatorOptions): Cli {
  const cli = new Cli()
  before(() => cli.open(options))
  after(() => cli.close())
  return cli
}

/** The section of docs/troubleshooting.md that an error message links to: for errors of the library, their code in lower case. */
export const sectionOf = ({ stderr }: Ended): string | undefined =>
  /^ *More: \S+troubleshooting\.md#(\S+)$/m.exec(stderr)?.[1]

/** Whether `script` of util-linux, which runs programs on a terminal, is installed. */
export const hasTerminals = process.platform === 'linux' && spawnSync('script', ['--version']).status === 0

/** Waits until a process has printed this on stdout. Rejects if it ends before. */
export function printed(child: ChildProcess, text: string): Promise<void> {
  let output = ''
  return new Promise((resolve, reject) => {
    child.stdout?.on('data', part => {
      output += part
      if (output.includes(text)) resolve()
    })
    child.once('close', () => reject(new Error(`The process ended before it printed ${text}:\n${output}`)))
  })
}

/** Waits for the end of a process. */
export async function ended(child: ChildProcess): Promise<Ended> {
  const output = { stdout: '', stderr: '' }
  child.stdout?.setEncoding('utf8').on('data', text => {
    output.stdout += text
  })
  child.stderr?.setEncoding('utf8').on('data', text => {
    output.stderr += text
  })
  const [code, signal] = (await once(child, 'close')) as [number | null, NodeJS.Signals | null]
  return { code, signal, ...output }
}
