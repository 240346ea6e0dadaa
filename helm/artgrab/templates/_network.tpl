{{/* Global addresses alone: what the guard of the programs lets through, as far as ipBlock can say it. */}}
{{- define "artgrab.globalPeers" -}}
- ipBlock:
    cidr: 0.0.0.0/0
    except:
      - 0.0.0.0/8
      - 10.0.0.0/8
      - 100.64.0.0/10
      - 127.0.0.0/8
      - 169.254.0.0/16
      - 172.16.0.0/12
      - 192.0.0.0/24
      - 192.0.2.0/24
      - 192.88.99.0/24
      - 192.168.0.0/16
      - 198.18.0.0/15
      - 198.51.100.0/24
      - 203.0.113.0/24
      - 224.0.0.0/4
      - 240.0.0.0/4
- ipBlock:
    cidr: 2000::/3
    except:
      - 2001::/23
      - 2001:db8::/32
      - 2002::/16
      - 3fff::/20
{{- end -}}

{{/* Rules of CIDR:port, IPv6 in brackets; an address alone is a network of one. */}}
{{- define "artgrab.targetRules" -}}
{{- range . }}
{{- $port := regexFind "[0-9]+$" . -}}
{{- $cidr := regexReplaceAll ":[0-9]+$" . "" | trimPrefix "[" | trimSuffix "]" -}}
{{- if not (contains "/" $cidr) -}}
{{- $cidr = printf "%s/%s" $cidr (ternary "128" "32" (contains ":" $cidr)) -}}
{{- end }}
- to:
    - ipBlock: {cidr: {{ $cidr | quote }}}
  ports:
    - {protocol: TCP, port: {{ $port }}}
{{- end }}
{{- end -}}

{{- define "artgrab.dnsRule" -}}
- to:
    {{- toYaml .Values.networkPolicies.dns | nindent 4 }}
  ports:
    - {protocol: UDP, port: 53}
    - {protocol: TCP, port: 53}
{{- end -}}

{{/* The API server: a host or a cloud's endpoint, which no selector can name. */}}
{{- define "artgrab.apiServerRule" -}}
- to:
    {{- range .Values.networkPolicies.apiServer.cidrs }}
    - ipBlock: {cidr: {{ . | quote }}}
    {{- end }}
  ports:
    {{- range .Values.networkPolicies.apiServer.ports }}
    - {protocol: TCP, port: {{ . }}}
    {{- end }}
{{- end -}}

{{- define "artgrab.webRules" -}}
- to:
    {{- include "artgrab.globalPeers" . | nindent 4 }}
  ports:
    - {protocol: TCP, port: 80}
    - {protocol: TCP, port: 443}
{{- with .Values.network.allowedTargets }}
{{- include "artgrab.targetRules" . }}
{{- end }}
{{- end -}}

{{- define "artgrab.storeRules" -}}
{{- if .Values.objectStore.embedded.enabled -}}
- to:
    - namespaceSelector:
        matchLabels:
          kubernetes.io/metadata.name: {{ .Release.Namespace }}
      podSelector:
        matchLabels:
          {{- include "artgrab.selectorLabels" (list . "object-store") | nindent 10 }}
  ports:
    - {protocol: TCP, port: 8333}
{{- else if .Values.networkPolicies.storeTargets -}}
{{- include "artgrab.targetRules" .Values.networkPolicies.storeTargets | trim }}
{{- else -}}
- to:
    {{- include "artgrab.globalPeers" . | nindent 4 }}
  ports:
    - {protocol: TCP, port: {{ include "artgrab.store.port" . }}}
{{- end -}}
{{- end -}}

{{- define "artgrab.store.port" -}}
{{- $url := .Values.store.endpoint | default "https://aws" | urlParse -}}
{{- regexFind "[0-9]+$" (regexFind ":[0-9]+$" $url.host) | default (ternary "80" "443" (eq $url.scheme "http")) -}}
{{- end -}}

{{/* Scrapers in the namespaces that are watched, as peers. */}}
{{- define "artgrab.scraperPeers" -}}
{{- with .Values.watchNamespaces -}}
- namespaceSelector:
    matchExpressions:
      - key: kubernetes.io/metadata.name
        operator: In
        values:
          {{- toYaml . | nindent 10 }}
{{- else -}}
- namespaceSelector: {}
{{- end }}
  podSelector:
    matchLabels:
      {{- include "artgrab.jobPodLabels" "scraper" | nindent 6 }}
{{- end -}}

{{/* Namespaces that get the policies of scrapers, as a JSON list. */}}
{{- define "artgrab.scraperNamespaces" -}}
{{- concat (list .Release.Namespace) .Values.watchNamespaces .Values.networkPolicies.namespaces .Values.classifiers.namespaces | uniq | toJson -}}
{{- end -}}

{{/* Pods of dataset and training Jobs and of serving, wherever classifiers may be, as a peer. */}}
{{- define "artgrab.modelPeers" -}}
- namespaceSelector:
    matchExpressions:
      - key: kubernetes.io/metadata.name
        operator: In
        values:
          {{- include "artgrab.classifierNamespaces" . | fromJsonArray | toYaml | nindent 10 }}
  podSelector:
    matchLabels:
      app.kubernetes.io/name: artgrab
      app.kubernetes.io/managed-by: artgrab-operator
    matchExpressions:
      - {key: app.kubernetes.io/component, operator: In, values: [dataset, trainer, serving]}
{{- end -}}

{{/* A rule for whoever may read metrics; none where nobody may. */}}
{{- define "artgrab.metricsRule" -}}
{{- with .Values.networkPolicies.metricsFrom -}}
- from:
    {{- toYaml . | nindent 4 }}
  ports:
    - {protocol: TCP, port: 9090}
{{- end -}}
{{- end -}}


{{/* The pod of `helm test`, as a peer; none where there is no test. */}}
{{- define "artgrab.testPeers" -}}
{{- if include "artgrab.tests.namespace" . -}}
- namespaceSelector:
    matchLabels:
      kubernetes.io/metadata.name: {{ .Release.Namespace }}
  podSelector:
    matchLabels:
      {{- include "artgrab.selectorLabels" (list . "release-test") | nindent 6 }}
{{- end -}}
{{- end -}}
