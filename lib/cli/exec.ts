import type { Flags } from './flags.js'
import { connectionOf, libpqVariables, MISLEADING } from './login/connection.js'
import { fetchLogin, openSource } from './login/login.js'
import { toOptions } from './login/options.js'
import { endLike, startCommand } from './run-command.js'

/** `exec`: runs a command that finds the login in its environment, and ends as the command ends. */
export async function exec(
  flags: Flags,
  command: string,
  parameters: readonly string[],
  env: NodeJS.ProcessEnv,
): Promise<void> {
  const options = toOptions(flags, 'connect')
  const source = await openSource(flags, options)
  let variables: Record<string, string>
  try {
    const login = await fetchLogin(source)
    variables = libpqVariables(await connectionOf(source, login, options.dbName ?? options.database))
  } finally {
    await source.close()
  }
  const inherited = Object.entries(env).filter(([name]) => !MISLEADING.includes(name))
  const { ended } = startCommand(command, parameters, { ...Object.fromEntries(inherited), ...variables })
  endLike(await ended)
}
