import { randomBytes } from 'node:crypto'
import { rmSync } from 'node:fs'
import type { RedshiftEmulator } from '../../emulator/index.js'
import { CleanupProcess } from '../../emulator/postgres/cleanup-process.js'
import { createCertificateFolder } from '../login/certificates.js'
import { exportScript } from '../login/connection.js'
import { type CommandEnd, endLike, startCommand } from '../run-command.js'
import { codeOf, UsageError } from '../terminal/failure.js'
import { ControlEndpoint } from './control.js'
import { ControlRoutes } from './control-routes.js'
import { type EmulateFlags, emulatorOptions } from './flags.js'
import { checkPeers } from './peer-dependencies.js'
import { applyTo, TOKEN, type Variables, variablesFor } from './variables.js'

const STOP_SIGNALS: readonly NodeJS.Signals[] = ['SIGINT', 'SIGTERM', 'SIGHUP']

/**
 * `emulate`: runs a local Redshift until a signal stops it, or as long as a command runs.
 * @param command empty if there is none
 * @param env the environment of the command
 */
export async function emulate(flags: EmulateFlags, command: readonly string[], env: NodeJS.ProcessEnv): Promise<void> {
  if (flags.json && command.length > 0)
    throw new UsageError(
      '--json has no effect with a command, which gets the variables in its environment. Leave --json out.',
    )
  const token = controlToken(flags, command.length > 0, env)
  const options = emulatorOptions(flags, env)
  checkPeers(flags.postgres === undefined)
  const { startRedshiftEmulator } = await import('../../emulator/index.js')
  const folder = createCertificateFolder('redshift-emulator-ca-')
  const cleanup = await CleanupProcess.start(folder).catch(error => {
    rmSync(folder, { recursive: true, force: true })
    throw error
  })
  let emulator: RedshiftEmulator | undefined
  let control: ControlEndpoint | undefined
  let end: CommandEnd = { code: 0, signal: null }
  try {
    emulator = await startRedshiftEmulator(options)
    const routes = new ControlRoutes(emulator)
    for (const fault of flags.fail ?? []) routes.add(fault)
    if (token !== undefined) control = await ControlEndpoint.start(routes, token, flags.controlPort)
    const variables = variablesFor(emulator, folder, env, control?.url)
    if (command.length === 0) {
      // Must listen for signals before the emulator is reported as ready.
      const stopped = stopSignal()
      print(flags, variables, emulator, control)
      await stopped
    } else {
      const withToken = token !== undefined && { [TOKEN]: token }
      end = await run(command, { ...applyTo(env, variables), ...withToken }, cleanup)
    }
  } catch (error) {
    throw explainError(error, flags)
  } finally {
    await Promise.all([control?.close(), emulator?.close(), cleanup.finish()])
  }
  endLike(end)
}

/** Undefined if no control endpoint is requested. */
function controlToken(flags: EmulateFlags, hasCommand: boolean, env: NodeJS.ProcessEnv): string | undefined {
  if (!flags.control && flags.controlPort === undefined) return undefined
  const given = env[TOKEN]
  if (given && !/^[\x21-\x7e]{16,}$/.test(given))
    throw new UsageError(`${TOKEN} is too short or contains spaces. Set it to at least 16 letters and digits.`)
  if (given) return given
  // The token is not printed, because output may be logged.
  if (!hasCommand)
    throw new UsageError(`--control needs a token that only you know. Set ${TOKEN} to at least 16 letters and digits.`)
  return randomBytes(24).toString('base64url')
}

async function run(command: readonly string[], env: NodeJS.ProcessEnv, cleanup: CleanupProcess): Promise<CommandEnd> {
  const [name = '', ...parameters] = command
  const { pid, ended } = startCommand(name, parameters, env)
  // If this process is killed, the cleanup process ends the command.
  cleanup.watch(pid)
  const end = await ended
  cleanup.watch(undefined)
  return end
}

function print(
  flags: EmulateFlags,
  { set, unset }: Variables,
  { address, endpoint, ca }: RedshiftEmulator,
  control: ControlEndpoint | undefined,
): void {
  const controlUrl = control && { controlUrl: control.url }
  // In one write, so that a script that waits for output gets all of it.
  if (flags.json)
    process.stdout.write(`${JSON.stringify({ environment: set, unset, address, endpoint, ca, ...controlUrl })}\n`)
  else process.stdout.write(exportScript(set, unset))
  process.stderr.write('The emulator is ready. Press Ctrl-C to stop it.\n')
}

/** Resolves at the first signal to stop. A second one ends the process at once. */
function stopSignal(): Promise<void> {
  // The emulator does not keep the process alive, so a timer does.
  const keepAlive = setInterval(() => {}, 2 ** 30)
  return new Promise(resolve => {
    const stop = (): void => {
      clearInterval(keepAlive)
      for (const signal of STOP_SIGNALS) process.off(signal, stop)
      resolve()
    }
    for (const signal of STOP_SIGNALS) process.on(signal, stop)
  })
}

/** Adds flags and remedies to an error of the emulator. */
function explainError(error: unknown, { postgres }: EmulateFlags): unknown {
  if (!(error instanceof Error)) return error
  if ('option' in error && typeof error.option === 'string')
    return new UsageError(nameFlags(error.message, error.option))
  // The emulator refuses a fault with it.
  if (error instanceof RangeError) return new UsageError(`--fail: ${error.message}`)
  const code = codeOf(error)
  if ('syscall' in error && error.syscall === 'listen' && 'port' in error)
    return new Error(
      `Port ${error.port} ${code === 'EADDRINUSE' ? 'is in use' : `cannot be opened (${code})`}. Give another one by --port, --aws-port or --control-port, or leave the flag out.`,
      { cause: error },
    )
  if (postgres !== undefined && code !== undefined)
    return new Error(
      `The PostgreSQL server of --postgres cannot be used: ${error.message || code}. Check the URL, and PGPASSWORD.`,
      { cause: error },
    )
  return error
}

/** The message starts with the option. Those about hosts and custom domains refer to each other. */
const nameFlags = (message: string, option: string): string =>
  message
    .replace(option, flagOf(option))
    .replace(/"[^"]*"|(?<!-)\b(?:hosts|customDomains)\b/g, found => (found.startsWith('"') ? found : flagOf(found)))

const flagOf = (option: string): string => `--${option.replace(/[A-Z]/g, letter => `-${letter.toLowerCase()}`)}`
