#!/usr/bin/env node
import { CommanderError } from 'commander'
import { EXIT_CODES } from './exit-codes.js'
import { exitCodeFor, messageOf, sectionFor } from './failure.js'
import { debugError } from './login.js'
import { adoptAwsCliVariables } from './profile.js'
import { createProgram, explain } from './program.js'
import { wrapped } from './terminal.js'

const say = (message: string): void => {
  process.stderr.write(`${wrapped(`pg-redshift-iam: ${message}`, '')}\n`)
}

/** Whether the reader of the output has gone away, as `head` does: no error. */
const isClosedPipe = (error: NodeJS.ErrnoException): boolean => error.code === 'EPIPE'

async function main(argv: readonly string[]): Promise<void> {
  const env = { ...process.env }
  // Before the SDK is loaded: its warning about old versions of Node is not for this output.
  process.env.AWS_SDK_JS_NODE_VERSION_SUPPORT_WARNING_DISABLED = 'true'
  adoptAwsCliVariables(process.env)
  const program = createProgram(env)
  try {
    await program.parseAsync([...argv], { from: 'user' })
  } catch (error) {
    if (error instanceof CommanderError) {
      const message = explain(error, program, argv)
      if (message !== undefined) {
        say(message)
        process.exitCode = EXIT_CODES.usage
      }
      return
    }
    say(messageOf(error))
    const section = sectionFor(error)
    if (section) process.stderr.write(`More: ${section}\n`)
    if (argv.includes('--debug')) debugError(error)
    process.exitCode =
      argv[0] === 'exec' && exitCodeFor(error) !== EXIT_CODES.usage ? EXIT_CODES.notRun : exitCodeFor(error)
  }
}

process.stdout.on('error', error => {
  if (!isClosedPipe(error)) throw error
})
main(process.argv.slice(2))
