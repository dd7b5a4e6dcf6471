import { execFile } from 'node:child_process'
import { mkdirSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { promisify } from 'node:util'

const execute = promisify(execFile)

/** What all projects share. */
export interface Setting {
  /** Where their folders go. */
  readonly folder: string
  /** The package, as npm would publish it. */
  readonly tarball: string
  /** The environment by which a program finds the emulator. */
  readonly env: Readonly<Record<string, string>>
}

/** A user's project: an empty folder, into which things are installed and written. */
export class Project {
  readonly folder: string
  readonly tarball: string
  readonly #env: NodeJS.ProcessEnv

  constructor(setting: Setting, name: string) {
    this.folder = join(setting.folder, name)
    this.tarball = setting.tarball
    this.#env = { ...process.env, ...setting.env, NODE_OPTIONS: '' }
    this.write('package.json', { name, version: '1.0.0', private: true })
  }

  /** Installs the packed package, and what is named, with npm. */
  async install(...packages: readonly string[]): Promise<void> {
    const flags = ['--no-audit', '--no-fund', '--ignore-scripts', '--prefer-offline']
    await this.run('npm', ['install', ...flags, this.tarball, ...packages])
  }

  write(file: string, content: string | object): void {
    const path = join(this.folder, file)
    mkdirSync(dirname(path), { recursive: true })
    writeFileSync(path, typeof content === 'string' ? content : JSON.stringify(content, null, 2))
  }

  /**
   * @returns what the program printed
   * @throws Error that holds all of what it printed
   */
  async run(command: string, args: readonly string[], env: Readonly<Record<string, string>> = {}): Promise<string> {
    try {
      const { stdout } = await execute(command, args, {
        cwd: this.folder,
        env: { ...this.#env, ...env },
        maxBuffer: 100_000_000,
        timeout: 300_000,
      })
      return stdout
    } catch (error) {
      const { message, stdout, stderr } = error as Error & { stdout?: string; stderr?: string }
      throw new Error([message.split('\n')[0], stdout, stderr].join('\n').slice(0, 10_000))
    }
  }

  node(...args: readonly string[]): Promise<string> {
    return this.run(process.execPath, args)
  }

  /** Runs a program of one of the installed packages. */
  bin(path: string, ...args: readonly string[]): Promise<string> {
    return this.node(join('node_modules', path), ...args)
  }
}

/** One row of docs/compatibility.md. */
export interface Row {
  readonly name: string
  /** Throws where something does not work. Returns what is worth printing, if anything. */
  readonly run: (setting: Setting) => Promise<unknown>
}

export function expectOutput(printed: string, expected: string): void {
  const lines = printed.trim().split('\n')
  if (!lines.includes(expected))
    throw new Error(`It printed ${JSON.stringify(printed)}, without ${JSON.stringify(expected)}.`)
}
