import { startRedshiftEmulator } from '../../lib/emulator/index.js'
import { connect, fetchLogin } from './emulated-login.js'

/** A program that runs an emulator with its own server, and ends in the given way. */
async function main(ending: string | undefined): Promise<void> {
  const emulator = await startRedshiftEmulator()
  const client = await connect(emulator, await fetchLogin(emulator))
  await client.query('SELECT 1')
  await client.end()
  if (ending === 'close') await emulator.close()
  if (ending === 'exit') process.exit(3)
  if (ending === 'throw') throw new Error('The program failed.')
  if (ending === 'stay') setInterval(() => {}, 1000)
  process.stdout.write('ready\n')
}

void main(process.argv[2])
