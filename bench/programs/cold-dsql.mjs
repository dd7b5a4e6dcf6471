// AWS's own connector for another database. It calls no API, but signs with AWS credentials, which come from AWS in the same time
// here. Its token cannot log in at a Redshift: the time runs to the server's refusal, which is less than a login.
import { setTimeout as sleep } from 'node:timers/promises'
import { AuroraDSQLClient } from '@aws/aurora-dsql-node-postgres-connector'
import { aws, config, opened } from './target.mjs'

const customCredentialsProvider = async () => {
  await sleep(Number(process.env.BENCH_AWS_MILLIS))
  return aws.credentials
}
const client = new AuroraDSQLClient({ ...config, user: 'IAM:alice', region: 'us-west-2', customCredentialsProvider })
client.on('error', () => {})
const error = await client.connect().catch(error => error)
if (error?.code !== '28000' && error?.code !== '28P01') throw error
opened()
