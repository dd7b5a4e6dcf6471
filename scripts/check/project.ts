import { execFile } from 'node:child_process'
import { mkdirSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { promisify } from 'node:util'

const execute = promisify(execFile)

/** The settings that all projects share. */
export interface Setting {
  /** The parent of the projects' folders. */
  readonly folder: string
  /** The packed package. */
  readonly tarball: string
  /** The environment variables that point programs to the emulator. */
  readonly env: Readonly<Record<string, string>>
}

/** A user's project: a folder with the installed package and the user's files. */
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

  /** Installs the packed package and other packages with npm. */
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
   * @returns the program's output
   * @throws Error with the program's output
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
  /** Throws if something does not work. May return a note to print. */
  readonly run: (setting: Setting) => Promise<unknown>
}

export function expectOutput(printed: string, expected: string): void {
  const lines = printed.trim().split('\n')
  if (!lines.includes(expected))
    throw new Error(
      `The program printed ${JSON.stringify(printed)}, which does not contain ${JSON.stringify(expected)}.`,
    )
}
