import { type ChildProcess, spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { freePort, waitForPort } from './ports.js'

export const hasRedis = spawnSync('redis-server', ['--version']).status === 0

/** Skips a suite without `redis-server`, with a message. */
export function needsRedis(context: Mocha.Context): void {
  if (hasRedis) return
  console.warn('\n  SKIPPED: no redis-server in PATH, so nothing shows that a fleet shares its logins.')
  console.warn('  Install it (Debian: apt-get install redis-server; macOS: brew install redis), and run this again.\n')
  context.skip()
}

/** A separate Redis server, in memory. */
export class RedisServer {
  readonly port: number
  readonly #arguments: readonly string[]
  #process: ChildProcess | undefined

  private constructor(port: number, args: readonly string[]) {
    this.port = port
    this.#arguments = args
  }

  /** @param args as on the command line of `redis-server` */
  static async start(...args: string[]): Promise<RedisServer> {
    const server = new RedisServer(await freePort(), args)
    process.once('exit', () => server.#process?.kill('SIGKILL'))
    await server.restart()
    return server
  }

  get url(): string {
    return `redis://127.0.0.1:${this.port}`
  }

  /** Starts it, empty, on the same port. */
  async restart(): Promise<void> {
    const args = ['--port', String(this.port), '--bind', '127.0.0.1', '--save', '', '--appendonly', 'no']
    const child = spawn('redis-server', [...args, ...this.#arguments], { stdio: 'ignore' })
    this.#process = child
    await waitForPort(this.port, child)
  }

  /** Kills it, like a crash. */
  async kill(): Promise<void> {
    const child = this.#process
    if (!child || child.exitCode !== null || child.signalCode !== null) return
    child.kill('SIGKILL')
    await once(child, 'exit')
  }
}
