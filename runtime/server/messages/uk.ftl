# Тексти сторінок оператора українською. В обох мовах ті самі повідомлення з тими самими змінними.

## Навколо кожної сторінки

nav = Сторінки
skip = До змісту
language = Мова
theme = Тема
theme-auto = Як у системі
theme-light = Світла
theme-dark = Темна
log-in = Увійти
log-out = Вийти
offline = Сервер не відповідає. Те, що ви бачите, може бути застарілим; сторінка пробує знову сама.
act-failed = Не виконано:
to-overview = До огляду

## Навігація

nav-overview = Огляд
nav-runs = Запуски

## Слова

run = Запуск
flow = Схема
status = Стан
created = Створено
took = Тривав
tokens = Токени
cost = Вартість
from = Від
to = До
any = будь-який
filter = Показати
older = Давніші
waiting = чекає

## Стани запуску

status-requested = запитаний
status-queued = у черзі
status-running = виконується
status-completed = завершений
status-failed = невдалий
status-cancelled = скасований
status-continued = продовжений

## Помилки

error-not-found = Такого немає
error-method-not-allowed = Тут цього зробити не можна
error-validation-failed = Це не те, що потрібно
error-forbidden = Вам цього не видно
error-rate-limited = Забагато запитів одразу; спробуйте трохи згодом
error-unavailable = Сховище зараз не працює; чому — у журналі сервера
error-other = Щось пішло не так

## Огляд

overview-waits = Чекає на вас
overview-proposals = Пропозиції
overview-questions = Питання
overview-runs = Запуски
overview-work = Робота
overview-workers = Виконавців на зв'язку
overview-queued = Завдань у черзі
overview-leases = Чинних оренд
overview-today = Виклики LLM сьогодні (UTC)
overview-newest = Найновіші запуски

## Запуски

runs-none = Запусків тут немає.
runs-total = усього { $count }
