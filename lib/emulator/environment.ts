/** Made up, and the same in every emulator, so that specs can search output for them. */
export const awsCredentials = {
  accessKeyId: 'AKIAEMULATOREXAMPLE1',
  secretAccessKey: 'emulator/secret+access/key+EXAMPLE/only12',
  sessionToken: 'EmulatorSessionToken//////////EXAMPLE+not+a+real+token+of+anybody+0123456789==',
}

/** How a program reaches the emulator. */
interface Addresses {
  readonly endpoint: string
  readonly region: string
  readonly port: number
  readonly database: string
}

/** Environment variables for the AWS SDKs and for libpq. */
export function environmentFor(
  { endpoint, region, port, database }: Addresses,
  caFile: string,
): Record<string, string> {
  return {
    AWS_ENDPOINT_URL_REDSHIFT: endpoint,
    AWS_ENDPOINT_URL_REDSHIFT_SERVERLESS: endpoint,
    AWS_ENDPOINT_URL_STS: endpoint,
    AWS_ACCESS_KEY_ID: awsCredentials.accessKeyId,
    AWS_SECRET_ACCESS_KEY: awsCredentials.secretAccessKey,
    AWS_SESSION_TOKEN: awsCredentials.sessionToken,
    // boto3 reads only AWS_DEFAULT_REGION.
    AWS_REGION: region,
    AWS_DEFAULT_REGION: region,
    NODE_EXTRA_CA_CERTS: caFile,
    // Not an IP address: libpq before 15 cannot verify a certificate for one.
    PGHOST: 'localhost',
    PGPORT: String(port),
    PGDATABASE: database,
    PGSSLMODE: 'verify-full',
    PGSSLROOTCERT: caFile,
  }
}
