{{/* What all pods of the chart have in common. They meet the Pod Security Standard "restricted". */}}
{{- define "artgrab.podSecurity" -}}
runAsNonRoot: true
runAsUser: 10001
runAsGroup: 10001
fsGroup: 10001
fsGroupChangePolicy: OnRootMismatch
seccompProfile:
  type: RuntimeDefault
{{- end -}}

{{- define "artgrab.containerSecurity" -}}
allowPrivilegeEscalation: false
readOnlyRootFilesystem: true
capabilities:
  drop: [ALL]
{{- end -}}

{{/* Labels and annotations of a pod: (list $ "downloader" values). */}}
{{- define "artgrab.podMetadata" -}}
{{- $root := index . 0 -}}{{- $values := index . 2 -}}
labels:
  {{- include "artgrab.labels" (list $root (index . 1)) | nindent 2 }}
  {{- with $values.podLabels }}
  {{- toYaml . | nindent 2 }}
  {{- end }}
annotations:
  checksum/store: {{ include "artgrab.store.checksum" $root }}
  {{- if $root.Values.metrics.annotations }}
  prometheus.io/scrape: "true"
  prometheus.io/port: "9090"
  prometheus.io/path: /metrics
  {{- end }}
  {{- with $values.podAnnotations }}
  {{- toYaml . | nindent 2 }}
  {{- end }}
{{- end -}}

{{/* Where a pod may run: the values of a component. */}}
{{- define "artgrab.placement" -}}
{{- with .priorityClassName }}
priorityClassName: {{ . }}
{{- end }}
{{- with .nodeSelector }}
nodeSelector:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- with .tolerations }}
tolerations:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- with .affinity }}
affinity:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- end -}}

{{- define "artgrab.pullSecrets" -}}
{{- with .Values.imagePullSecrets }}
imagePullSecrets:
  {{- range . }}
  - name: {{ . }}
  {{- end }}
{{- end }}
{{- end -}}

{{/* Environment that whatever talks to the web shares: a YAML list. */}}
{{- define "artgrab.networkEnv" -}}
- name: ARTGRAB_LOG_LEVEL
  value: {{ .Values.logLevel }}
{{- with .Values.network.contact }}
- name: ARTGRAB_CONTACT
  value: {{ . | quote }}
{{- end }}
{{- with .Values.network.resolve }}
- name: ARTGRAB_RESOLVE
  value: {{ toJson . | quote }}
{{- end }}
{{- with .Values.network.allowedTargets }}
- name: ARTGRAB_ALLOWED_TARGETS
  value: {{ toJson . | quote }}
{{- end }}
{{- end -}}
