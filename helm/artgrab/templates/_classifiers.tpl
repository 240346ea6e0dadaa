{{/* What the operator is told of datasets, training and serving, and what these need in a namespace. */}}
{{- define "artgrab.model.name" -}}{{ include "artgrab.fullname" . }}-model{{- end -}}
{{- define "artgrab.defaultClassifiers.name" -}}{{ include "artgrab.fullname" . }}-default-classifiers{{- end -}}

{{/* Namespaces in which classifiers may be, as a JSON list. */}}
{{- define "artgrab.classifierNamespaces" -}}
{{- concat (list .Release.Namespace) .Values.classifiers.namespaces | uniq | toJson -}}
{{- end -}}

{{/* Those of them whose categories are looked after, as a JSON list: elsewhere nothing is learned. */}}
{{- define "artgrab.learningNamespaces" -}}
{{- $found := list -}}
{{- range include "artgrab.classifierNamespaces" . | fromJsonArray -}}
{{- if or (not $.Values.watchNamespaces) (has . $.Values.watchNamespaces) -}}
{{- $found = append $found . -}}
{{- end -}}
{{- end -}}
{{- $found | toJson -}}
{{- end -}}

{{/* A YAML list of ArtClassifiers that are made where they are absent; empty where there are none. */}}
{{- define "artgrab.defaultClassifiers" -}}
{{- $classifier := .Values.defaultClassifier -}}
{{- if $classifier.enabled -}}
{{- $own := ternary (list .Release.Namespace) list (has .Release.Namespace (include "artgrab.learningNamespaces" . | fromJsonArray)) -}}
{{- range $classifier.namespaces | default $own }}
- apiVersion: artgrab.dev/v1alpha1
  kind: ArtClassifier
  metadata: {name: {{ $classifier.name | quote }}, namespace: {{ . | quote }}}
  spec:
    {{- toYaml $classifier.spec | nindent 4 }}
{{- end -}}
{{- end -}}
{{- end -}}

{{/*
How models reach the store, as JSON. It stands written out in their pods, for no ConfigMap of ours is
in their namespaces; the operator's own environment (STORE_...) takes it from the ConfigMap.
*/}}
{{- define "artgrab.model.env" -}}
{{- $env := list (dict "name" "ARTGRAB_LOG_LEVEL" "value" .Values.logLevel) -}}
{{- range $key, $_ := include "artgrab.store.config" . | fromYaml -}}
{{- if ne $key "ARTGRAB_STORE" -}}
{{- $env = append $env (dict "name" $key "value" (printf "$(STORE_%s)" $key)) -}}
{{- end -}}
{{- end -}}
{{- concat $env (include "artgrab.store.credentials" . | fromYamlArray) | toJson -}}
{{- end -}}

{{/* What the chart sets and what a user adds, as JSON; the user's wins: (list (dict NAME VALUE) env). */}}
{{- define "artgrab.mergedEnv" -}}
{{- $given := index . 1 -}}
{{- $names := list -}}
{{- range $given }}{{ $names = append $names .name }}{{ end -}}
{{- $env := list -}}
{{- range $name, $value := index . 0 -}}
{{- if not (has $name $names) }}{{ $env = append $env (dict "name" $name "value" (toString $value)) }}{{ end -}}
{{- end -}}
{{- concat $env $given | toJson -}}
{{- end -}}

{{- define "artgrab.trainer.env" -}}
{{- include "artgrab.mergedEnv" (list (dict "ARTGRAB_TRAINER_THREADS" .Values.trainer.threads) .Values.trainer.env) -}}
{{- end -}}

{{- define "artgrab.serving.env" -}}
{{- $set := dict "ARTGRAB_LOG_LEVEL" .Values.logLevel -}}
{{- range $name, $value := .Values.serving.settings -}}
{{- $_ := set $set (printf "ARTGRAB_SERVING_%s" (snakecase $name | upper)) (toJson $value) -}}
{{- end -}}
{{- include "artgrab.mergedEnv" (list $set .Values.serving.env) -}}
{{- end -}}

{{- define "artgrab.serving.podAnnotations" -}}
{{- $scraped := ternary (dict "prometheus.io/scrape" "true" "prometheus.io/port" "9090" "prometheus.io/path" "/metrics") dict .Values.metrics.annotations -}}
{{- merge (dict) .Values.serving.podAnnotations $scraped | toJson -}}
{{- end -}}

{{/* Variables of the operator, a YAML list. Kubernetes reads $(NAME) in them: what is the user's says $$. */}}
{{- define "artgrab.classifiers.operatorEnv" -}}
{{- $trainer := .Values.trainer -}}{{- $serving := .Values.serving -}}
{{- range $key, $_ := include "artgrab.store.config" . | fromYaml -}}
{{- if ne $key "ARTGRAB_STORE" }}
- name: STORE_{{ $key }}
  valueFrom:
    configMapKeyRef: {name: {{ include "artgrab.store.configName" $ }}, key: {{ $key }}}
{{- end -}}
{{- end }}
- name: ARTGRAB_OPERATOR_MODEL_ENV
  value: {{ include "artgrab.model.env" . | quote }}
- name: ARTGRAB_OPERATOR_MODEL_SERVICE_ACCOUNT
  value: {{ include "artgrab.model.name" . }}
- name: ARTGRAB_OPERATOR_CLASSIFIER_NAMESPACES
  value: {{ .Values.classifiers.namespaces | toJson | quote }}
- name: ARTGRAB_OPERATOR_DEFAULT_CLASSIFIERS_FILE
  value: {{ ternary "/etc/artgrab/classifiers/classifiers.yaml" "" (not (empty (include "artgrab.defaultClassifiers" .))) | quote }}
- name: ARTGRAB_OPERATOR_TRAINER_IMAGE
  value: {{ include "artgrab.image" (list . $trainer.image) | quote }}
- name: ARTGRAB_OPERATOR_TRAINER_RESOURCES
  value: {{ $trainer.resources | toJson | quote }}
- name: ARTGRAB_OPERATOR_DATASET_RESOURCES
  value: {{ $trainer.dataset.resources | toJson | quote }}
- name: ARTGRAB_OPERATOR_DATASET_DEADLINE_SECONDS
  value: {{ $trainer.dataset.deadlineSeconds | quote }}
- name: ARTGRAB_OPERATOR_TRAINING_DEADLINE_SECONDS
  value: {{ $trainer.deadlineSeconds | quote }}
- name: ARTGRAB_OPERATOR_TRAINING_BACKOFF_LIMIT
  value: {{ $trainer.backoffLimit | quote }}
- name: ARTGRAB_OPERATOR_TRAINER_ENV
  value: {{ include "artgrab.trainer.env" . | replace "$" "$$" | quote }}
- name: ARTGRAB_OPERATOR_TRAINER_ENV_FROM
  value: {{ $trainer.envFrom | toJson | replace "$" "$$" | quote }}
{{- with $trainer.command }}
- name: ARTGRAB_OPERATOR_TRAINER_COMMAND
  value: {{ toJson . | replace "$" "$$" | quote }}
{{- end }}
- name: ARTGRAB_OPERATOR_TRAINER_VOLUMES
  value: {{ $trainer.volumes | toJson | replace "$" "$$" | quote }}
- name: ARTGRAB_OPERATOR_TRAINER_VOLUME_MOUNTS
  value: {{ $trainer.volumeMounts | toJson | replace "$" "$$" | quote }}
- name: ARTGRAB_OPERATOR_TRAINER_PLACEMENT
  value: {{ include "artgrab.placement" $trainer | fromYaml | toJson | replace "$" "$$" | quote }}
- name: ARTGRAB_OPERATOR_SERVING_IMAGE
  value: {{ include "artgrab.image" (list . $serving.image) | quote }}
- name: ARTGRAB_OPERATOR_SERVING_RESOURCES
  value: {{ $serving.resources | toJson | quote }}
- name: ARTGRAB_OPERATOR_SERVING_ENV
  value: {{ include "artgrab.serving.env" . | replace "$" "$$" | quote }}
{{- with $serving.command }}
- name: ARTGRAB_OPERATOR_SERVING_COMMAND
  value: {{ toJson . | replace "$" "$$" | quote }}
{{- end }}
- name: ARTGRAB_OPERATOR_SERVING_VOLUMES
  value: {{ $serving.volumes | toJson | replace "$" "$$" | quote }}
- name: ARTGRAB_OPERATOR_SERVING_VOLUME_MOUNTS
  value: {{ $serving.volumeMounts | toJson | replace "$" "$$" | quote }}
- name: ARTGRAB_OPERATOR_SERVING_PLACEMENT
  value: {{ include "artgrab.placement" $serving | fromYaml | toJson | replace "$" "$$" | quote }}
- name: ARTGRAB_OPERATOR_SERVING_POD_LABELS
  value: {{ $serving.podLabels | toJson | replace "$" "$$" | quote }}
- name: ARTGRAB_OPERATOR_SERVING_POD_ANNOTATIONS
  value: {{ include "artgrab.serving.podAnnotations" . | replace "$" "$$" | quote }}
- name: ARTGRAB_OPERATOR_SERVING_SERVICE_TYPE
  value: {{ $serving.service.type }}
- name: ARTGRAB_OPERATOR_SERVING_PROGRESS_DEADLINE_SECONDS
  value: {{ $serving.progressDeadlineSeconds | quote }}
- name: ARTGRAB_OPERATOR_SERVING_TARGET_CPU_PERCENT
  value: {{ $serving.autoscaling.targetCPUUtilizationPercentage | quote }}
- name: ARTGRAB_OPERATOR_SERVING_TLS_SECRET
  value: {{ $serving.tls.existingSecret | quote }}
- name: ARTGRAB_OPERATOR_SERVING_TOKEN_SECRET
  value: {{ $serving.token.existingSecret | quote }}
{{- end -}}
