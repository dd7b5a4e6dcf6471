import { type ChildProcess, spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { cpSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import type { EmulatorOptions, RedshiftEmulator } from '../../lib/emulator/index.js'
import { buildCli } from '../../scripts/build-cli.js'
import { buildLibrary } from '../../scripts/build-library.js'
import { startEmulator } from './emulator.js'

const root = fileURLToPath(new URL('../..', import.meta.url))

/** What a process has printed, and how it has ended. */
export interface Ended {
  readonly code: number | null
  readonly signal: NodeJS.Signals | null
  readonly stdout: string
  readonly stderr: string
}

/** Built once, for all suites that a process runs. */
let built: Promise<string> | undefined

async function build(): Promise<string> {
  const folder = mkdtempSync(join(tmpdir(), 'pg-redshift-iam-built-'))
  process.once('exit', () => rmSync(folder, { recursive: true, force: true }))
  await Promise.all([buildCli(folder), buildLibrary(folder)])
  return folder
}

/** The command line as users get it: built into a package folder of its own, and run as a process. */
export class Cli {
  /** The package folder. */
  readonly folder: string
  readonly main: string
  /** An environment that leads to the emulator, and to nothing of this machine. */
  readonly env: Readonly<Record<string, string>>
  readonly #started = new Set<ChildProcess>()

  private constructor(folder: string, emulator: RedshiftEmulator) {
    this.folder = folder
    this.main = join(folder, 'dist', 'cli', 'main.js')
    const file = (name: string, content: string): string => {
      writeFileSync(join(folder, name), content)
      return join(folder, name)
    }
    const { accessKeyId, secretAccessKey, sessionToken } = emulator.aws.credentials
    this.env = {
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

  static async build(emulator: RedshiftEmulator): Promise<Cli> {
    const folder = mkdtempSync(join(tmpdir(), 'pg-redshift-iam-cli-'))
    process.once('exit', () => rmSync(folder, { recursive: true, force: true }))
    for (const name of ['package.json', 'node_modules']) symlinkSync(join(root, name), join(folder, name))
    built ??= build()
    cpSync(await built, join(folder, 'dist'), { recursive: true })
    return new Cli(folder, emulator)
  }

  /** Variables that are undefined are taken out of the environment. */
  start(parameters: readonly string[], env: Readonly<Record<string, string | undefined>> = {}): ChildProcess {
    return this.#spawn(process.execPath, [this.main, ...parameters], env)
  }

  /** Runs on a terminal of its own, 100 columns wide. What is printed, on both streams, comes on stdout. */
  startOnTerminal(parameters: string, env: Readonly<Record<string, string>> = {}): ChildProcess {
    const command = `stty cols 100; exec "${process.execPath}" "${this.main}" ${parameters}`
    return this.#spawn('script', ['-qec', command, '/dev/null'], { TERM: 'xterm', ...env })
  }

  #spawn(
    program: string,
    parameters: readonly string[],
    env: Readonly<Record<string, string | undefined>>,
  ): ChildProcess {
    const child = spawn(program, parameters, {
      cwd: this.folder,
      env: { ...this.env, ...env },
      // In a process group, so that what it starts ends with it.
      detached: true,
    })
    this.#started.add(child)
    child.once('close', () => this.#started.delete(child))
    return child
  }

  /** Ends what is still running: a spec that failed must not keep the others waiting. */
  close(): void {
    for (const { pid } of this.#started) if (pid !== undefined) process.kill(-pid, 'SIGKILL')
  }

  run(parameters: readonly string[], env?: Readonly<Record<string, string | undefined>>): Promise<Ended> {
    return ended(this.start(parameters, env))
  }
}

/**
 * Gives a suite the command line, and an emulator that it leads to.
 * @param use is called with both before the first spec
 */
export function withCli(use: (cli: Cli, emulator: RedshiftEmulator) => void, options?: EmulatorOptions): void {
  let cli: Cli | undefined
  let emulator: RedshiftEmulator | undefined
  before(async () => {
    emulator = await startEmulator(options)
    cli = await Cli.build(emulator)
    use(cli, emulator)
  })
  after(() => {
    cli?.close()
    return emulator?.close()
  })
}

/** Whether programs can be run on a terminal here: by `script`, of util-linux. */
export const hasTerminals = process.platform === 'linux' && spawnSync('script', ['--version']).status === 0

/** Waits until a process has printed something. */
export function printed(child: ChildProcess, text: string): Promise<void> {
  let all = ''
  return new Promise(resolve => {
    child.stdout?.on('data', part => {
      all += part
      if (all.includes(text)) resolve()
    })
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
