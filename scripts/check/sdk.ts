import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { root } from '../entries.js'
import { REQUIRES } from './program.js'
import { expectOutput, Project, type Row, type Setting } from './project.js'

const { dependencies } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'))
const CLIENTS = ['@aws-sdk/client-redshift', '@aws-sdk/client-redshift-serverless']
const oldest: string = dependencies[CLIENTS[0] ?? ''].replace('^', '')

/** A login by each operation, and a failure, whose secrets and code are looked at. Old releases know no endpoint in the environment. */
const PROGRAM = `
const { inspect } = require('node:util')
const { AWS_ENDPOINT_URL_REDSHIFT: endpoint, AWS_SECRET_ACCESS_KEY, AWS_SESSION_TOKEN } = process.env
const aws = { endpoint }
async function main() {
  for (const redshift of [
    { clusterIdentifier: 'examplecluster', dbUser: 'alice', aws },
    { clusterIdentifier: 'examplecluster', aws },
    { workgroupName: 'analytics', aws },
  ]) {
    const pool = new RedshiftPool({ redshift })
    console.log((await pool.query('select current_user as name')).rows[0].name)
    await pool.end()
  }
  const credentials = new RedshiftCredentials({ clusterIdentifier: 'nowhere', database: 'dev', aws })
  const error = await credentials.get().catch(error => error)
  const shown = inspect(error, { depth: 9, showHidden: true }) + inspect(credentials, { depth: 9, showHidden: true })
  console.log(error.code, [AWS_SECRET_ACCESS_KEY, AWS_SESSION_TOKEN].some(secret => shown.includes(secret)))
}
main()
`

async function use(setting: Setting, name: string, version: string): Promise<string> {
  const project = new Project(setting, name)
  await project.install('pg', ...CLIENTS.map(client => `${client}@${version}`))
  project.write('use.cjs', REQUIRES + PROGRAM)
  const printed = (await project.node('use.cjs')).trim().split('\n').join(' ')
  expectOutput(printed, 'alice IAMR:analyst IAMR:analyst ERR_REDSHIFT_NOT_FOUND false')
  // A second copy below the package would be another release than the one that is looked at.
  return (await project.run('npm', ['ls', ...CLIENTS, '--parseable', '--long']))
    .split('\n')
    .flatMap(line => /client-redshift(?:-serverless)?@[\d.]+/.exec(line) ?? [])
    .join(', ')
}

export const sdk: readonly Row[] = [
  { name: 'sdk-oldest', run: setting => use(setting, 'sdk-oldest', oldest) },
  { name: 'sdk-newest', run: setting => use(setting, 'sdk-newest', 'latest') },
]
