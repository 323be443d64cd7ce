// A PowerDNS primary with its HTTP API; an effect is confirmed once the secondary answers with it.
// In a project of your own: import { defineConfig, powerdns, secret } from 'foreword'
import { defineConfig, powerdns, secret } from '../../src/index.ts'

export default defineConfig({
  providers: [
    powerdns({
      url: 'http://127.0.0.1:18081',
      api_key: secret.env('PDNS_API_KEY'),
      secondary: { dns: '127.0.0.3:53' },
      settle_ms: 10_000,
    }),
  ],
  schedules: [{ name: 'dns', cron: '* * * * *', scope: 'acme/dns' }],
})
