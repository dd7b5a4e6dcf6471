import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface, type Interface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import type { RedshiftEmulator } from '../../lib/emulator/index.js'
import { compiled } from './compiled.js'

const root = fileURLToPath(new URL('../..', import.meta.url))

/** How a program ended. */
export interface ExampleEnd {
  readonly code: number | null
  /** Set if it did not exit by itself, and had to be killed. */
  readonly signal: NodeJS.Signals | null
  readonly stdout: string
  readonly stderr: string
}

/** The options of a program, except for its file. */
export interface ExampleOptions {
  /** Additional environment variables, `AWS_ACCESS_KEY_ID` among them. */
  readonly env?: Readonly<Record<string, string>>
  /** It is killed after this time. Default: 90,000. */
  readonly deadlineMillis?: number
}

/**
 * A program as a user writes it, in its own process, with an emulator instead of Redshift and AWS. It finds `pg-redshift-iam` in
 * `lib`, and nothing of this process's environment.
 */
export class Example {
  readonly #file: string
  readonly #child: ChildProcess
  readonly #lines: Interface
  readonly #ended: Promise<ExampleEnd>
  readonly #output: AsyncIterator<string>

  /** @param file its path below the project's folder */
  constructor(file: string, emulator: RedshiftEmulator, { env, deadlineMillis = 90_000 }: ExampleOptions = {}) {
    const home = mkdtempSync(join(tmpdir(), 'pg-redshift-iam-example-'))
    const ca = join(home, 'ca.pem')
    writeFileSync(ca, emulator.ca)
    const { endpoint, address } = emulator
    const { accessKeyId, secretAccessKey, sessionToken } = emulator.aws.credentials
    this.#file = file
    this.#child = spawn(process.execPath, ['--import', compiled('spec/support/redirect.ts'), compiled(file)], {
      cwd: root,
      env: {
        PATH: process.env.PATH,
        // Not the AWS profiles or the pgpass file of the developer.
        HOME: home,
        NODE_EXTRA_CA_CERTS: ca,
        REDSHIFT_EMULATOR_GATEWAY: `${address.host}:${address.port}`,
        AWS_ENDPOINT_URL_REDSHIFT: endpoint,
        AWS_ENDPOINT_URL_REDSHIFT_SERVERLESS: endpoint,
        AWS_ACCESS_KEY_ID: accessKeyId,
        AWS_SECRET_ACCESS_KEY: secretAccessKey,
        AWS_SESSION_TOKEN: sessionToken,
        AWS_EC2_METADATA_DISABLED: 'true',
        AWS_SDK_JS_NODE_VERSION_SUPPORT_WARNING_DISABLED: 'true',
        ...env,
      },
      timeout: deadlineMillis,
      killSignal: 'SIGKILL',
    })
    const { stdout, stderr } = this.#child
    if (!stdout || !stderr) throw new Error('A spawned process has pipes.')
    this.#lines = createInterface({ input: stdout })
    this.#output = this.#lines[Symbol.asyncIterator]()
    this.#ended = collect(this.#child, [stdout, stderr]).finally(() => rmSync(home, { recursive: true, force: true }))
  }

  /**
   * Writes a line to the program's input. Resolves to the next line of its output that is a response.
   * @param isResponse for libraries that print warnings. Default: every line is one.
   */
  async ask(line: string, isResponse: (line: string) => boolean = () => true): Promise<string> {
    this.#child.stdin?.write(`${line}\n`)
    // Not for-await, which would close the output after the first response.
    for (let next = await this.#output.next(); !next.done; next = await this.#output.next())
      if (isResponse(next.value)) return next.value
    const { code, signal, stdout, stderr } = await this.#ended
    throw new Error(
      `${this.#file} ended (${signal ?? code}) before it responded to ${JSON.stringify(line)}:\n${stdout}${stderr}`,
    )
  }

  /** Ends the program's input. Resolves when the program has ended. */
  end(): Promise<ExampleEnd> {
    this.#child.stdin?.end()
    return this.#ended
  }

  /** Suspends it (`SIGSTOP`), resumes it (`SIGCONT`), or ends it. */
  signal(signal: NodeJS.Signals): void {
    this.#child.kill(signal)
  }

  /** For clean-up if a spec fails half-way. */
  kill(): void {
    this.#child.kill('SIGKILL')
  }
}

/** Runs a program without input, until it exits. */
export const runExample = (file: string, emulator: RedshiftEmulator, options?: ExampleOptions): Promise<ExampleEnd> =>
  new Example(file, emulator, options).end()

async function collect(child: ChildProcess, streams: readonly NodeJS.ReadableStream[]): Promise<ExampleEnd> {
  // A program that has exited accepts no more input.
  child.stdin?.on('error', () => {})
  const texts = streams.map(stream => {
    const chunks: Buffer[] = []
    stream.on('data', chunk => chunks.push(chunk))
    return () => Buffer.concat(chunks).toString('utf8')
  })
  const [code, signal] = await once(child, 'close')
  const [stdout = '', stderr = ''] = texts.map(text => text())
  return { code, signal, stdout, stderr }
}
